"""SDP fragments of PATCH (RFC 8840, section 4; RFC 9725, section 4.3): candidates that came late, and ICE restarts.

Candidates are passed over: we learn where a client is from its connectivity checks. Errors: `BadFragment`.
"""

import msgspec

from media.webrtc.answers import Candidate, Credentials, candidate_line

MAX_FRAGMENT_BYTES = 16 * 1024
MAX_CANDIDATES = 100


class BadFragment(Exception):
    """Cannot be read."""


class Fragment(msgspec.Struct, frozen=True):
    """The client's credentials ("" where it tells none) and how many candidates it told."""

    credentials: Credentials
    candidates: int


def read_fragment(body: bytes) -> Fragment:
    """Read a fragment. Raises `BadFragment`."""
    try:
        lines = body.decode().splitlines()
    except UnicodeDecodeError as error:
        raise BadFragment("not UTF-8") from error
    ufrag = pwd = ""
    candidates = 0
    for line in lines:
        if line[1:2] != "=" and line:
            raise BadFragment("a line that is no SDP")
        if line.startswith("a=ice-ufrag:"):
            ufrag = line.partition(":")[2].strip()
        elif line.startswith("a=ice-pwd:"):
            pwd = line.partition(":")[2].strip()
        elif line.startswith("a=candidate:"):
            candidates += 1
    if candidates > MAX_CANDIDATES:
        raise BadFragment(f"{candidates} candidates")
    if len(ufrag) > 256 or len(pwd) > 256 or bool(ufrag) != bool(pwd):
        raise BadFragment("credentials that are none")
    return Fragment(Credentials(ufrag, pwd), candidates)


def write_fragment(credentials: Credentials, candidates: tuple[Candidate, ...], kind: str, mid: str) -> str:
    """Return the answer to an ICE restart: our new credentials and where we are."""
    lines = [
        "a=ice-lite",
        f"a=ice-ufrag:{credentials.ufrag}",
        f"a=ice-pwd:{credentials.pwd}",
        f"m={kind} 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{mid}",
        *(candidate_line(index, each) for index, each in enumerate(candidates)),
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"
