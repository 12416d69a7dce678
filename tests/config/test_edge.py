"""What `tally edge` prints for an installation, and what it refuses. With the servers: tests/e2e/test_edges.py."""

import re
from pathlib import Path

import pytest

from config.cli import run
from config.edge.command import WRITERS
from config.edge.plan import fill

CERTIFICATE = ("--certificate", "/etc/tls/chain.pem", "--key", "/etc/tls/key.pem")
KINDS = tuple(WRITERS)


class Program:
    """`tally edge`, run in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def prints(self, *arguments: str) -> str:
        code = run(["edge", *arguments])
        out, err = self._capsys.readouterr()
        assert code == 0, err
        return out

    def refuses(self, *arguments: str) -> str:
        assert run(["edge", *arguments]) == 1
        out, err = self._capsys.readouterr()
        assert out == "", "half a configuration would be taken for one"
        assert err.count("\n") == 1
        return err


@pytest.fixture
def edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLY_PUBLIC_URL", "http://tv.example.org:8000")
    return Program(capsys)


@pytest.mark.parametrize("kind", KINDS)
def test_it_names_the_installation(kind: str, edge: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HTTP_PORT", "8099")
    text = edge.prints(kind)
    assert text.startswith("# ")
    assert f"printed by `tally edge {kind}` for http://tv.example.org:8000.\n" in text
    assert re.search(r'127\.0\.0\.1:8099\b|"127\.0\.0\.1";\n +\.port = "8099"', text), "the product"
    assert not re.search(r"@[a-z_]+@", text), "something was not filled in"


@pytest.mark.parametrize("kind", KINDS)
def test_origins_given_replace_the_own_one(kind: str, edge: Program) -> None:
    text = edge.prints(kind, "--origin", "http://10.0.0.2:8080", "--origin", "http://[fd00::3]:81/")
    assert "127.0.0.1" not in text
    for host, port in (("10.0.0.2", 8080), ("fd00::3", 81)):
        named = rf'"{re.escape(host)}";\n +\.port = "{port}"|\[?{re.escape(host)}\]?:{port}\b'
        assert re.search(named, text), host


def test_varnish_asks_several_in_turn_and_probes_them(edge: Program) -> None:
    text = edge.prints("varnish", "--origin", "http://10.0.0.2", "--origin", "http://10.0.0.3")
    assert "import directors;" in text
    assert text.count(".probe = {") == text.count("product.add_backend(") == 2
    assert "set req.backend_hint = product.backend();" in text
    assert "probe" not in re.sub(r"#.*", "", edge.prints("varnish")), "a lone origin is asked whatever a probe says"


def test_nginx_has_tls_and_http_2_with_a_certificate(edge: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_PUBLIC_URL", "https://tv.example.org")
    text = edge.prints("nginx", *CERTIFICATE)
    assert "listen 443 ssl http2" in text
    assert "ssl_certificate /etc/tls/chain.pem;" in text
    assert "return 301 https://$host$request_uri;" in text
    assert " ssl" not in edge.prints("nginx", "--listen", "127.0.0.1:6081"), "something else ends TLS"


def test_nginx_takes_the_certificate_of_the_settings(edge: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_PUBLIC_URL", "https://tv.example.org")
    monkeypatch.setenv("TALLY_TLS_CERTIFICATE", "/etc/own/chain.pem")
    monkeypatch.setenv("TALLY_TLS_KEY", "/etc/own/key.pem")
    assert "ssl_certificate_key /etc/own/key.pem;" in edge.prints("nginx")


def test_caddy_gets_its_own_certificate_for_https(edge: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_PUBLIC_URL", "https://tv.example.org")
    text = edge.prints("caddy", "--origin", "http://10.0.0.5:6081")
    assert "\nhttps://tv.example.org:443 {" in text
    assert "reverse_proxy 10.0.0.5:6081 {" in text
    assert "\ttls /etc/tls/chain.pem /etc/tls/key.pem\n" in edge.prints("caddy", *CERTIFICATE)


@pytest.mark.parametrize("kind", KINDS)
def test_foreign_pages_are_kept_off_when_some_are_allowed(
    kind: str, edge: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Referer" not in re.sub(r"#.*|unset req.http.Referer;", "", edge.prints(kind))
    monkeypatch.setenv("TALLY_EMBED_ALLOW", "friends.example,*.example.com:8443")
    text = edge.prints(kind)
    patterns = set(re.findall(r"\^https\?://\S+\|\$\)", text))
    assert text.count(max(patterns)) == 2, "for Referer, and for Origin, which pages cannot leave out"
    pages = re.compile(patterns.pop(), re.IGNORECASE)
    for good in ("http://tv.example.org:8000/demo", "https://friends.example", "https://a.b.example.com:8443/x"):
        assert pages.search(good), good
    for bad in (
        "https://evil.example/?https://friends.example/",
        "https://friends.example.evil.org/",
        "https://example.com/",
        "https://evil.org/a.example.com/",
        "https://friendsXexample/",
        "https://a.example.com/",
        "null",
    ):
        assert not pages.search(bad), bad


@pytest.mark.parametrize("kind", ["nginx", "varnish"])
def test_the_cache_is_as_large_as_asked(kind: str, edge: Program) -> None:
    assert re.search(r"(max_size=|malloc,)20480m", edge.prints(kind, "--cache-size", "20g"))


def test_nginx_needs_a_certificate_for_https(edge: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_PUBLIC_URL", "https://tv.example.org")
    assert "give --certificate and --key" in edge.refuses("nginx")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("nginx", "--certificate", "/a"), "give both or neither"),
        (("varnish", *CERTIFICATE), "put `tally edge caddy` before it"),
        (("nginx", "--origin", "https://10.0.0.2"), "give http://HOST:PORT"),
        (("nginx", "--origin", "http://10.0.0.2:99999"), "give http://HOST:PORT"),
        (("varnish", "--origin", 'http://a";evil'), "is no host name"),
        (("nginx", "--listen", "80a"), "give HOST:PORT"),
        (("nginx", "--listen", ":0"), "give HOST:PORT"),
        (("nginx", "--server-name", "a;b"), "is no host name"),
        (("nginx", "--cache-size", "lots"), "such as 500m or 20g"),
        (("nginx", "--cache-dir", "/var/a b"), "an absolute path"),
        (("nginx", "--log-dir", "logs"), "an absolute path"),
    ],
)
def test_what_cannot_stand_in_a_configuration_is_refused(
    arguments: tuple[str, ...], advice: str, edge: Program
) -> None:
    assert advice in edge.refuses(*arguments)


def test_values_of_several_lines_are_indented_as_their_place_is() -> None:
    assert fill("a {\n    @x@\n    @none@\n}\n", {"x": "one\n\ntwo", "none": ""}) == "a {\n    one\n\n    two\n}\n"
    assert fill("(@x@)", {"x": ""}) == "()"
