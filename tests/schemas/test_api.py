"""What request bodies accept."""

import msgspec
import pytest

from schemas import api


def is_accepted(kind: object, value: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", ["abc", "a_1", "0" * 25])
def test_good_names(name: str) -> None:
    assert is_accepted(api.Name, name)


@pytest.mark.parametrize("name", ["ab", "A bc", "abc\n", "Abc", "äbc", "a" * 26, "", "a-c", "abc\u0000"])
def test_bad_names(name: str) -> None:
    assert not is_accepted(api.Name, name)


@pytest.mark.parametrize("text", ["", "Hello", "¡Olé! 🎥", " spaced "])
def test_good_titles(text: str) -> None:
    assert is_accepted(api.Title, text)


@pytest.mark.parametrize("text", ["a\nb", "a\n", "\u0000", "x" * 141, "\u007f"])
def test_bad_titles(text: str) -> None:
    assert not is_accepted(api.Title, text)


@pytest.mark.parametrize("name", ["", " ", "\u0000", "a\u0000b", "a\n", "x" * 51])
def test_bad_display_names(name: str) -> None:
    assert not is_accepted(api.DisplayName, name)


def test_a_display_name_may_have_spaces_inside() -> None:
    assert is_accepted(api.DisplayName, "Anna B.")


@pytest.mark.parametrize("language", ["", "en", "pt-BR", "zh-Hant"])
def test_good_languages(language: str) -> None:
    assert is_accepted(api.Language, language)


@pytest.mark.parametrize("language", ["english", "en_US", "en\n", "e"])
def test_bad_languages(language: str) -> None:
    assert not is_accepted(api.Language, language)
