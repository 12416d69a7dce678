"""Names that nobody may take."""

import pytest

from schemas.errors import ApiError
from schemas.ids import make_id
from web.app import ENDPOINTS
from web.names import RESERVED, refuse_reserved
from web.pages import FIXED_PAGES


@pytest.mark.parametrize("name", ["alice", "demo", "news_24", "0" * 20, "01abc"])
def test_other_names_are_free(name: str) -> None:
    refuse_reserved(name, field="name")


@pytest.mark.parametrize("name", ["admin", "api", "hls", "dashboard", "live"])
def test_our_own_words_are_reserved(name: str) -> None:
    with pytest.raises(ApiError) as refused:
        refuse_reserved(name, field="name")
    assert list(refused.value.body.fields or {}) == ["name"]


def test_a_name_can_not_look_like_an_id() -> None:
    for _ in range(50):
        with pytest.raises(ApiError):
            refuse_reserved(make_id(), field="name")


def test_every_page_and_subject_of_the_api_is_reserved() -> None:
    words = {path.split("/")[1] for path in FIXED_PAGES if path != "/"} | {endpoint.tag for endpoint in ENDPOINTS}
    assert words - {"me"} <= RESERVED  # "me" is too short for a name, and reserved all the same
    assert {"ws", "assets", "avatars", "internal", "thumbnails", "embed", "overlay", "oembed"} <= RESERVED
