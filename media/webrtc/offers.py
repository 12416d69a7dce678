"""Read a WebRTC offer (RFC 8866, RFC 8829) with bounds: what is asked for is taken, everything else is skipped.

Errors: `BadOffer` (the client's; its text says what cannot be read).
"""

import re
from typing import Literal

import msgspec

MAX_OFFER_BYTES = 64 * 1024
"""Chromium's longest offers have 12 KB."""
MAX_LINES = 2_000
MAX_MEDIA = 16
"""More m-lines than this are nobody's camera."""
MAX_CODECS, MAX_EXTENSIONS = 128, 32
"""Per m-line; Chromium offers 50 and 16."""
MAX_FINGERPRINTS = 8

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Setup = Literal["actpass", "active", "passive"]

_ICE = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839, section 5.4; some clients use - and _ too
_TOKEN = re.compile(r"[!-~]{1,64}")


class BadOffer(Exception):
    """The SDP cannot be read, or is no offer of WebRTC."""


class OfferedCodec(msgspec.Struct, frozen=True):
    """A payload type. `name` is upper case ("H264", "OPUS"); `rtx` the payload type of its retransmissions, or None."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = {}
    feedback: tuple[str, ...] = ()
    rtx: int | None = None


class OfferedMedia(msgspec.Struct, frozen=True):
    """An m-line. `extensions`: URI -> id; `ssrcs`: what it says it sends, without retransmissions (`rtx_ssrcs`)."""

    index: int
    mid: str
    kind: str
    protocol: str
    is_rejected: bool
    direction: Direction
    codecs: tuple[OfferedCodec, ...]
    extensions: dict[str, int]
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: dict[int, int] = {}
    """SSRC of the retransmissions -> SSRC of what they repeat."""
    formats: str = ""


class Fingerprint(msgspec.Struct, frozen=True):
    """Digest of the certificate that the client will show; `digest` is upper case with colons."""

    algorithm: str
    digest: str


class Offer(msgspec.Struct, frozen=True):
    """All that an answer needs. `bundle`: the mids that share one transport; the others are refused."""

    media: tuple[OfferedMedia, ...]
    bundle: tuple[str, ...]
    ice_ufrag: str
    ice_pwd: str
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup
    allows_mixed_extensions: bool = False

    def of_kind(self, kind: str) -> list[OfferedMedia]:
        """Return the m-lines of a kind that can be accepted."""
        return [each for each in self.media if each.kind == kind and not each.is_rejected and each.mid in self.bundle]


def read_offer(body: bytes) -> Offer:
    """Read an offer. Raises `BadOffer`."""
    if len(body) > MAX_OFFER_BYTES:
        raise BadOffer(f"offer of {len(body)} bytes, at most {MAX_OFFER_BYTES}")
    try:
        lines = body.decode().splitlines()
    except UnicodeDecodeError as error:
        raise BadOffer("offer is not UTF-8") from error
    if len(lines) > MAX_LINES or not lines or lines[0].strip() != "v=0":
        raise BadOffer("no SDP" if not lines or len(lines) <= MAX_LINES else f"{len(lines)} lines")
    sections = _sections(lines)
    session, media = _Section(sections[0]), [_Section(each) for each in sections[1:]]
    read = tuple(_media(index, section) for index, section in enumerate(media))
    bundle = tuple(mid for group in session.all("group") if group.startswith("BUNDLE ") for mid in group.split()[1:])
    if not bundle and len(read) == 1:
        bundle = (read[0].mid,)
    first = next((s for s, m in zip(media, read, strict=True) if m.mid in bundle and not m.is_rejected), session)
    ufrag, pwd = (first.one(name) or session.one(name) for name in ("ice-ufrag", "ice-pwd"))
    if not _ICE.fullmatch(ufrag.replace("-", "+").replace("_", "/")) or not 22 <= len(pwd) <= 256:
        raise BadOffer("no ICE credentials")
    setup = first.one("setup") or session.one("setup") or "actpass"
    if setup not in {"actpass", "active", "passive"}:
        raise BadOffer(f"a=setup:{setup[:20]}")
    return Offer(
        media=read,
        bundle=bundle,
        ice_ufrag=ufrag,
        ice_pwd=pwd,
        fingerprints=_fingerprints(first.all("fingerprint") or session.all("fingerprint")),
        setup=setup,  # type: ignore[arg-type]  # looked at above
        allows_mixed_extensions="extmap-allow-mixed" in session.flags or "extmap-allow-mixed" in first.flags,
    )


class _Section:
    """The lines from one m= to the next: attributes by name, in order."""

    def __init__(self, lines: list[str]) -> None:
        self.first = lines[0] if lines else ""
        self.values: dict[str, list[str]] = {}
        self.flags: set[str] = set()
        for line in lines:
            if line.startswith("a="):
                name, colon, value = line[2:].partition(":")
                if colon:
                    self.values.setdefault(name, []).append(value.strip())
                else:
                    self.flags.add(name.strip())

    def one(self, name: str) -> str:
        return self.values.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        return self.values.get(name, [])


def _sections(lines: list[str]) -> list[list[str]]:
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    if not 1 < len(sections) <= 1 + MAX_MEDIA:
        raise BadOffer(f"{len(sections) - 1} m-lines, from 1 to {MAX_MEDIA} can be answered")
    return sections


def _media(index: int, section: _Section) -> OfferedMedia:
    """Read one m-line and what follows. A fault in a codec's line only loses that codec."""
    parts = section.first[2:].split()
    if len(parts) < 4 or not all(_TOKEN.fullmatch(part) for part in parts) or not parts[1].isdigit():
        raise BadOffer("m-line that cannot be read")
    kind, port, protocol, formats = parts[0], int(parts[1]), parts[2], parts[3:]
    mid = section.one("mid")
    if mid and not _TOKEN.fullmatch(mid):
        raise BadOffer("a=mid that cannot be read")
    ssrcs, rtx_ssrcs = _ssrcs(section)
    return OfferedMedia(
        index=index,
        mid=mid,
        kind=kind,
        protocol=protocol,
        # Port 0 in a bundle is `bundle-only`, not a refusal (RFC 9143, section 7.1).
        is_rejected=(port == 0 and "bundle-only" not in section.flags) or "SAVP" not in protocol,
        direction=_direction(section),
        codecs=_codecs(formats, section) if "SAVP" in protocol else (),
        extensions=_extensions(section),
        ssrcs=ssrcs,
        rtx_ssrcs=rtx_ssrcs,
        formats=" ".join(formats[:MAX_CODECS]),
    )


def _direction(section: _Section) -> Direction:
    for each in ("sendonly", "recvonly", "inactive", "sendrecv"):
        if each in section.flags:
            return each
    return "sendrecv"


def _codecs(formats: list[str], section: _Section) -> tuple[OfferedCodec, ...]:
    order = [int(each) for each in formats if each.isdigit() and int(each) < 128][:MAX_CODECS]
    maps = _by_payload_type(section.all("rtpmap"))
    parameters = {number: _parameters(text) for number, text in _by_payload_type(section.all("fmtp")).items()}
    feedback: dict[str, list[str]] = {}
    for line in section.all("rtcp-fb")[: 8 * MAX_CODECS]:
        target, _, what = line.partition(" ")
        feedback.setdefault(target, []).append(what.strip())
    repeats = {
        parameters.get(number, {}).get("apt", ""): number
        for number in order
        if maps.get(number, "").lower().startswith("rtx/")
    }
    found = []
    for number in order:
        name, _, rest = maps.get(number, "").partition("/")
        rate, _, channels = rest.partition("/")
        if rate.isdigit() and 0 < int(rate) <= 1_000_000 and name.lower() != "rtx":
            codec = OfferedCodec(
                payload_type=number,
                name=name.upper(),
                clock_rate=int(rate),
                channels=int(channels) if channels.isdigit() and int(channels) < 256 else 1,
                parameters=parameters.get(number, {}),
                feedback=tuple(feedback.get(str(number), []) + feedback.get("*", [])),
                rtx=repeats.get(str(number)),
            )
            found.append(codec)
    return tuple(found)


def _by_payload_type(lines: list[str]) -> dict[int, str]:
    found = {}
    for line in lines[: 4 * MAX_CODECS]:
        number, _, rest = line.partition(" ")
        if number.isdigit() and int(number) < 128:
            found[int(number)] = rest.strip()
    return found


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text[:1024].split(";"))
    return {name.lower(): value for name, _, value in pairs if name}


def _extensions(section: _Section) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in section.all("extmap")[:MAX_EXTENSIONS]:
        number, _, rest = line.partition(" ")
        number = number.partition("/")[0]
        uri = rest.split(" ")[0]
        if number.isdigit() and 1 <= int(number) <= 255 and _TOKEN.fullmatch(uri[:64]) and len(uri) <= 255:
            found.setdefault(uri, int(number))
    return found


def _ssrcs(section: _Section) -> tuple[tuple[int, ...], dict[int, int]]:
    """Return what is announced to be sent; RFC 5576: `a=ssrc`, `a=ssrc-group:FID media rtx`."""
    repeats = {}
    for line in section.all("ssrc-group")[:64]:
        words = line.split()
        if words and words[0] == "FID" and len(words) == 3 and all(each.isdigit() for each in words[1:]):
            repeats[int(words[2])] = int(words[1])
    seen: dict[int, None] = {}
    for line in section.all("ssrc")[:256]:
        number = line.partition(" ")[0]
        if number.isdigit() and int(number) < 1 << 32 and int(number) not in repeats:
            seen[int(number)] = None
    return tuple(seen), repeats


def _fingerprints(lines: list[str]) -> tuple[Fingerprint, ...]:
    found = []
    for line in lines[:MAX_FINGERPRINTS]:
        algorithm, _, digest = line.partition(" ")
        found.append(Fingerprint(algorithm.lower(), digest.strip().upper()))
    if not any(each.algorithm in {"sha-256", "sha-384", "sha-512"} for each in found):
        raise BadOffer("no fingerprint of SHA-256, SHA-384 or SHA-512")
    return tuple(found)
