"""A Caddyfile: TLS by itself, HTTP/2 and HTTP/3, no cache (Caddy 2.6 or newer)."""

from importlib import resources

from config.edge.plan import BLOCKED_S, Edge, fill

FOREIGN = """\
# Pages that may play from here: TALLY_EMBED_ALLOW. Programs name no page, and may: this keeps off pages, not people.
@foreign_referer {{
	path /hls/* /vods/* /clips/*
	header Referer *
	not header_regexp Referer (?i){pages}
}}
respond @foreign_referer 403
@foreign_origin {{
	path /hls/* /vods/* /clips/*
	header Origin *
	not header_regexp Origin (?i){pages}
}}
respond @foreign_origin 403
"""


def text(edge: Edge) -> str:
    """Return the configuration."""
    scheme = "https" if edge.certificate is not None else edge.public_scheme
    port = edge.listen.port if edge.listen is not None else edge.public_port
    values = {
        "public": f"{edge.public_scheme}://{edge.server_name}:{edge.public_port}",
        "public_scheme": edge.public_scheme,
        "site": f"{scheme}://{edge.server_name}:{port}",
        "bind": f"bind {edge.listen.host}" if edge.listen is not None and edge.listen.host else "",
        "tls": f"tls {edge.certificate} {edge.key}" if edge.certificate is not None else "",
        "tls_note": _tls_note(edge, scheme),
        "foreign": FOREIGN.format(pages=edge.pages) if edge.embedders else "",
        "upstreams": " ".join(map(str, edge.origins)),
        "blocked_s": str(BLOCKED_S),
    }
    return fill(resources.files("config.edge").joinpath("Caddyfile").read_text("utf-8"), values)


def _tls_note(edge: Edge, scheme: str) -> str:
    if scheme == "http":
        return "No TLS, as TALLY_PUBLIC_URL is http: set it to https://NAME, and Caddy gets a certificate by itself."
    if edge.certificate is not None:
        return "TLS with the certificate given."
    return f"TLS with a certificate that it gets by itself: ports 80 and 443 of {edge.server_name} have to lead here."
