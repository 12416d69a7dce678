"""A VCL file: waiting lists, tokens by asking first and starting again (Varnish 7 or newer)."""

from importlib import resources

from config.edge.plan import BLOCKED_S, STALE_S, Address, CannotPrint, Edge, fill

DEFAULT_LISTEN = Address("", 6081)
BACKEND = """\
backend tally{number} {{
    .host = "{host}";
    .port = "{port}";
    .connect_timeout = 2s;
    .first_byte_timeout = {blocked}s;  # a reload may be blocked for so long
    .between_bytes_timeout = 10s;{probe}
}}
"""
PROBE = """
    .probe = {
        .url = "/healthz";
        .interval = 2s;
        .timeout = 5s;
        .window = 3;
        .threshold = 2;
    }"""
FOREIGN = """\
# Pages that may play from here: TALLY_EMBED_ALLOW. Programs name no page, and may: this keeps off pages, not people.
if ((req.http.Referer && req.http.Referer !~ "(?i){pages}") ||
    (req.http.Origin && req.http.Origin !~ "(?i){pages}")) {{
    return (synth(403));
}}
"""


def text(edge: Edge) -> str:
    """Return the configuration. Raises `CannotPrint`."""
    if edge.certificate is not None:
        raise CannotPrint("varnish speaks no TLS: leave --certificate out, and put `tally edge caddy` before it")
    is_several = len(edge.origins) > 1
    values = {
        "public": f"{edge.public_scheme}://{edge.server_name}:{edge.public_port}",
        "public_scheme": edge.public_scheme,
        "listen": str(edge.listen or DEFAULT_LISTEN),
        "cache_mb": str(edge.cache_mb),
        "stale_s": str(STALE_S),
        "import": "import directors;" if is_several else "",
        "backends": "\n".join(_backend(number, origin, is_several) for number, origin in enumerate(edge.origins)),
        "director": _director(len(edge.origins)) if is_several else "",
        "backend": "product.backend()" if is_several else "tally0",
        "foreign": FOREIGN.format(pages=edge.pages) if edge.embedders else "",
    }
    return fill(resources.files("config.edge").joinpath("varnish.vcl").read_text("utf-8"), values)


def _backend(number: int, origin: Address, is_several: bool) -> str:
    # The only one is asked whatever a probe says: probing would but keep it out for seconds after a restart.
    probe = PROBE if is_several else ""
    return BACKEND.format(number=number, host=origin.host, port=origin.port, blocked=BLOCKED_S, probe=probe)


def _director(count: int) -> str:
    lines = ["new product = directors.round_robin();"]
    return "\n".join(lines + [f"product.add_backend(tally{number});" for number in range(count)])
