import msgspec
import pytest

from chat.moderation.filters import HELD_FIRST, HELD_LINK, HELD_TERM, PASSED, Filter, WordList
from chat.moderation.folding import leet, plain
from chat.people import Standing
from schemas.chat import ChatSettings, Role
from schemas.errors import ApiError, ErrorCode


def standing(role: Role = "viewer", *, has_chatted: bool = True, is_admin: bool = False) -> Standing:
    return Standing(role, [], None, 0, 0, has_chatted, is_admin)


SETTINGS = ChatSettings(blocked_terms=["idiot", "buy*followers"], held_terms=["crypto"])


def code_of(settings: ChatSettings, content: str, *, has_link: bool = False, role: Role = "viewer") -> ErrorCode | None:
    try:
        Filter(settings).judge(content, has_link=has_link, standing=standing(role))
    except ApiError as error:
        return error.body.code
    return None


@pytest.mark.parametrize(
    "content",
    [
        "IDIOT",
        "ídïöt",
        "1d1ot",
        "id\u200biot",  # zero width space
        "іdіоt",  # Cyrillic і and о
        "ｉｄｉｏｔ",
        "𝕚𝕕𝕚𝕠𝕥",
        "you !idiot!",
        "id!ot",
        "buy-more-followers",
        "BUYFOLLOWERS",
    ],
)
def test_a_blocked_term_is_refused_however_it_is_dressed_up(content: str) -> None:
    assert code_of(SETTINGS, content) is ErrorCode.BLOCKED_TERM


@pytest.mark.parametrize("content", ["idiotic", "idi ot", "followers buy", "1 d 1 0 t", "hello"])
def test_other_words_pass(content: str) -> None:
    assert code_of(SETTINGS, content) is None


@pytest.mark.parametrize("term", ["h4x", "100", "naïve", "дурак", "ß", "@everyone", "$$$", "1d1ot"])
def test_a_term_finds_itself_as_it_was_typed(term: str) -> None:
    assert WordList([term]).found_in(f"well {term} then")


def test_numbers_stay_numbers() -> None:
    assert leet(plain("call 455 now")) == "call 455 now"
    assert not WordList(["ass"]).found_in("call 455 now")
    assert WordList(["ass"]).found_in("an a55 here")


def test_a_term_that_is_dressed_up_itself_finds_the_plain_word() -> None:
    assert WordList(["h4x*"]).found_in("haxor")
    assert WordList(["h4x*"]).found_in("H4XOR")


def test_white_space_in_a_term_is_any_white_space() -> None:
    assert WordList(["go  away"]).found_in("now go\u3000away")


def test_who_moderates_may_say_anything() -> None:
    strict = msgspec.structs.replace(SETTINGS, links_allowed=False, hold_first=True)
    for role, is_admin in (("moderator", False), ("broadcaster", False), ("viewer", True)):
        author = standing(role, has_chatted=False, is_admin=is_admin)  # type: ignore[arg-type]  # all three are roles
        assert Filter(strict).judge("idiot crypto", has_link=True, standing=author) is PASSED


def test_vips_may_link_and_wait_for_nobody_but_do_not_swear() -> None:
    strict = msgspec.structs.replace(SETTINGS, links_allowed=False, hold_first=True)
    vip = standing("vip", has_chatted=False)
    assert Filter(strict).judge("crypto", has_link=True, standing=vip) is PASSED
    assert code_of(strict, "idiot", role="vip") is ErrorCode.BLOCKED_TERM


def test_links_pass_are_refused_or_wait() -> None:
    refusing = ChatSettings(links_allowed=False)
    holding = ChatSettings(links_allowed=False, hold_links=True)
    assert code_of(ChatSettings(hold_links=True), "x", has_link=True) is None
    assert code_of(refusing, "x", has_link=True) is ErrorCode.LINKS_NOT_ALLOWED
    assert Filter(holding).judge("x", has_link=True, standing=standing()).held_for == HELD_LINK


def test_held_terms_and_first_messages_wait() -> None:
    first = Filter(ChatSettings(hold_first=True))
    assert Filter(SETTINGS).judge("Crypto!", has_link=False, standing=standing()).held_for == HELD_TERM
    assert first.judge("hi", has_link=False, standing=standing(has_chatted=False)).held_for == HELD_FIRST
    assert not first.judge("hi", has_link=False, standing=standing()).is_held


def test_what_is_refused_does_not_wait() -> None:
    both = msgspec.structs.replace(SETTINGS, hold_first=True)
    with pytest.raises(ApiError):
        Filter(both).judge("crypto idiot", has_link=False, standing=standing(has_chatted=False))
