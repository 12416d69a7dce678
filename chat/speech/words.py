"""Finds in a text who is named, and whether it leads elsewhere, in linear time. Places are in code points."""

import re
import unicodedata
from typing import Final

import msgspec

NAMES_MAX: Final = 5
"""Different names in one text that are looked up; the others are text."""
MENTIONS_MAX: Final = 20
"""Places where somebody is named: each costs every reader 80 bytes."""
_NAME: Final = re.compile(r"(?<![\w@.])@([A-Za-z0-9_]{3,25})(?!\w)")
_WORD: Final = re.compile(r"\S+")
_PIECE: Final = re.compile(r"[^\s()<>\[\]{}\"',;|!*`]+")
_HOST_END: Final = re.compile(r"[/?#:]")
_LABEL: Final = re.compile(r"[^\W_](?:[^\W_]|-){0,62}")
_HINT: Final = re.compile(
    "[.:。．｡\u2024-\u2026\u2488-\u249b\u2a74\u33c2\u33c7\u33d8\ufe13\ufe19\ufe30\ufe52\ufe55\uff1a\U0001f100]"
)
"""What every address has, or what becomes of it in NFKC; most texts have none, and are done with."""
_DOTS: Final = str.maketrans("。．｡․", "....")
_COUNTRIES: Final = (
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd"
    " cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge"
    " gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh"
    " ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw"
    " mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb"
    " sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk"
    " us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
)
_GENERIC: Final = (
    "com net org edu gov mil int info biz name pro aero coop museum jobs mobi travel tel cat asia post xxx app dev page"
    " web site website online store shop blog cloud live stream video movie film music radio audio game games gaming"
    " casino bet poker win club fun lol wtf xyz top vip icu buzz click link links download zip mov work works world"
    " today news media social network chat email tech software digital systems host hosting space zone agency center"
    " company group team community art design studio photo photos pics gallery fashion style beauty health fitness bank"
    " finance money cash loan trade trading exchange market markets crypto investments fund capital tax law legal"
    " school academy education institute science university training guide help support care land house homes city town"
    " earth eco green energy solar cars auto bike rent rentals tours flights hotel restaurant cafe pizza beer wine"
    " food recipes party events tickets date dating sexy porn sex adult cam webcam gifts gift toys kids baby family"
    " kitchen love wedding ink wiki how tips review reviews report expert one ninja rocks monster cool best ltd gmbh"
    " inc llc ventures solutions services consulting marketing directory id bio run bar new gold"
)
_TOP: Final = frozenset((_COUNTRIES + " " + _GENERIC).split())
"""What the last part of a host's name has to be, so that "wait.what" is not an address."""


class Named(msgspec.Struct, frozen=True):
    """Somebody who may be meant: a username in lower case, and where it is, the @ included."""

    username: str
    start: int
    end: int


class Word(msgspec.Struct, frozen=True):
    """What is between two spaces."""

    text: str
    start: int
    end: int


def named(content: str) -> list[Named]:
    """Return who may be named with @: at most `NAMES_MAX` different ones, at `MENTIONS_MAX` places."""
    found: list[Named] = []
    names: set[str] = set()
    for match in _NAME.finditer(content):
        username = match.group(1).lower()
        if username not in names and len(names) >= NAMES_MAX:
            continue
        names.add(username)
        found.append(Named(username, match.start(), match.end()))
        if len(found) == MENTIONS_MAX:
            break
    return found


def words(content: str) -> list[Word]:
    """Return the words of a text."""
    return [Word(match.group(), match.start(), match.end()) for match in _WORD.finditer(content)]


def has_link(content: str) -> bool:
    """Return whether a text names an address elsewhere: a URL, a host, an e-mail address."""
    if not _HINT.search(content):
        return False
    folded = unicodedata.normalize("NFKC", content.translate(_DOTS)).lower()
    shown = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    return any(_is_address(match.group()) for match in _PIECE.finditer(shown))


def _is_address(piece: str) -> bool:
    scheme, separator, rest = piece.partition("://")
    if separator and rest and scheme[-1:].isalnum():
        return True
    return any(_is_host(part) for part in piece.rpartition("@")[2].split(":"))


def _is_host(part: str) -> bool:
    host = _HOST_END.split(part, maxsplit=1)[0].strip(".")
    labels = host.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    if all(label.isdecimal() for label in labels):
        return len(labels) == 4 and all(int(label) < 256 for label in labels)
    return labels[0] == "www" or labels[-1] in _TOP or labels[-1].startswith("xn--")
