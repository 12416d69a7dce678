"""A whole nginx.conf: cache with lock, tokens by a cached subrequest (nginx 1.18 or newer)."""

from importlib import resources

from config.edge.plan import BLOCKED_S, Address, CannotPrint, Edge, fill

CACHED = f"""\
proxy_cache tally;
proxy_pass http://@upstream@$uri$tally_query;
proxy_read_timeout {BLOCKED_S}s;
# Nothing of one viewer may colour what all get.
proxy_pass_request_headers off;
proxy_pass_request_body off;
proxy_set_header Host @server_name@;
proxy_set_header Connection "";
proxy_set_header Accept-Encoding gzip;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto @public_scheme@;"""
FOREIGN = "if ($tally_is_foreign) { return 403; }"
FOREIGN_MAP = """\
# Pages that may play from here: TALLY_EMBED_ALLOW. Programs name no page, and may: this keeps off pages, not people.
map $http_referer $tally_referer_is_foreign {{
    "" 0;
    "~*{pages}" 0;
    default 1;
}}
map $http_origin $tally_is_foreign {{
    "" $tally_referer_is_foreign;
    "~*{pages}" $tally_referer_is_foreign;
    default 1;
}}
"""
TLS = """\
ssl_certificate {certificate};
ssl_certificate_key {key};
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:tally_tls:10m;
ssl_session_timeout 1d;
"""
REDIRECT = """\
server {{
    listen 80;
    listen [::]:80;
    server_name {server_name};
    return 301 https://$host$request_uri;
}}
"""


def text(edge: Edge) -> str:
    """Return the configuration. Raises `CannotPrint`."""
    if edge.public_scheme == "https" and edge.certificate is None and edge.listen is None:
        raise CannotPrint(
            "viewers come by https: give --certificate and --key, or --listen 127.0.0.1:PORT behind what ends TLS"
        )
    values = {
        "public": f"{edge.public_scheme}://{edge.server_name}:{edge.public_port}",
        "public_scheme": edge.public_scheme,
        "server_name": edge.server_name,
        "cache_dir": str(edge.cache_dir),
        "cache_mb": str(edge.cache_mb),
        "log_dir": str(edge.log_dir),
        "servers": _servers(edge.origins),
        "blocked_s": str(BLOCKED_S),
        "foreign_map": FOREIGN_MAP.format(pages=edge.pages) if edge.embedders else "",
        "foreign": FOREIGN if edge.embedders else "",
        "listen": _listen(edge),
        "tls": TLS.format(certificate=edge.certificate, key=edge.key) if edge.certificate else "",
        "redirect": REDIRECT.format(server_name=edge.server_name) if edge.certificate and not edge.listen else "",
    }
    template = resources.files("config.edge").joinpath("nginx.conf").read_text("utf-8")
    cached = {name: fill(CACHED, values | {"upstream": f"tally_{name}"}) for name in ("media", "pages")}
    return fill(template, values | {f"cached_{name}": lines for name, lines in cached.items()})


def _servers(origins: tuple[Address, ...]) -> str:
    if len(origins) == 1:
        return f"server {origins[0]} max_fails=0;"  # the only one is never given up
    return "\n".join(f"server {origin} max_fails=1 fail_timeout=2s;" for origin in origins)


def _listen(edge: Edge) -> str:
    # "http2" behind "listen" is what all versions know; from 1.25 on they would rather have "http2 on;"
    how = " ssl http2" if edge.certificate else ""
    if edge.listen is not None:
        where = [str(edge.listen) if edge.listen.host else str(edge.listen.port)]
    else:
        where = [str(edge.public_port), f"[::]:{edge.public_port}"]
    return "\n".join(f"listen {each}{how} backlog=4096;" for each in where)
