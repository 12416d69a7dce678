"""The emotes that every installation begins with."""

import io
import re
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from chat.emotes import defaults
from chat.emotes.defaults import HERE, NAMES, id_of, pictures_of
from chat.store import emotes
from config.postgres import Pool, open_pool
from schemas.api import EMOTE_NAME_PATTERN, ID_PATTERN


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    yield pool
    await pool.close()


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_drawing_and_its_pictures_in_three_sizes(name: str) -> None:
    assert re.match(EMOTE_NAME_PATTERN, name)
    assert re.match(ID_PATTERN, id_of(name))
    assert (HERE / "drawings" / f"{name}.svg").read_text().startswith("<svg ")
    for picture in pictures_of(name):
        image = Image.open(io.BytesIO(picture.content))
        assert (image.format, image.size) == ("WEBP", (28 * picture.scale, 28 * picture.scale))
        assert image.convert("RGBA").getchannel("A").getextrema() == (0, 255)
        assert len(picture.content) < 16 * 1024


def test_nothing_lies_about_that_is_not_one() -> None:
    assert {path.stem for path in (HERE / "drawings").iterdir()} == set(NAMES)
    assert {path.stem.rpartition("-")[0] for path in (HERE / "pictures").iterdir()} == set(NAMES)


@pytest.mark.services
async def test_they_are_loaded_once_and_what_is_deleted_stays_so(pool: Pool) -> None:
    await pool.execute("DELETE FROM emotes")  # the databases of tests have them already
    mine = emotes.EmoteRow("mine", None, NAMES[0], 0, False, await pool.fetchval("SELECT now()"))
    async with pool.acquire() as connection, connection.transaction():
        await emotes.create(connection, mine, [], None, {})
    assert await defaults.load(pool) == list(NAMES[1:])
    assert {row.name for row in await emotes.everywhere(pool)} == set(NAMES)
    assert await emotes.delete(pool, None, id_of(NAMES[1]))
    assert await defaults.load(pool) == []
    assert NAMES[1] not in {row.name for row in await emotes.everywhere(pool)}
    wanted = [(id_of(name), scale) for name in NAMES[1:] for scale in (1, 2, 4)]
    assert set(await emotes.pictures(pool, wanted)) == set(wanted), "messages of before still show it"
