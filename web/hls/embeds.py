"""Which sites may show the player: limits for those who link our streams into theirs.

A page is known by what its browser says of it, `Origin` and `Referer`; players without a page say nothing and pass.
Only playlists are refused: without them the media is of no use.
"""

from urllib.parse import urlsplit

from web.hls.heads import Fields


class Embeds:
    """`allow`: host names such as `example.org` or `*.example.com`, with or without a port, besides our own."""

    def __init__(self, public_url: str, allow: str) -> None:
        self._own = urlsplit(public_url).hostname
        self._names = {name.lower() for name in allow.split(",") if name}

    def allows(self, fields: Fields) -> bool:
        """Whether a request with these fields comes from a page that may show our streams, or from none."""
        return all(self._is_allowed(page) for page in (fields.origin, fields.referer) if page)

    def _is_allowed(self, page: str) -> bool:
        try:
            parts = urlsplit(page)
            host, port = parts.hostname, parts.port
        except ValueError:
            return False
        if host is None:
            return False  # "null", which a page without an origin says: anybody can make one
        if host == self._own:
            return True
        _, _, domain = host.partition(".")
        names = {host, *(f"*.{domain}" for domain in _parents(domain))}
        names |= {f"{name}:{port}" for name in names} if port is not None else set()
        return not self._names.isdisjoint(names)


def _parents(domain: str) -> list[str]:
    """Return a domain and all those above it."""
    labels = domain.split(".")
    return [".".join(labels[first:]) for first in range(len(labels))] if domain else []
