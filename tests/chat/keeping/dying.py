"""A keeper that is killed between its commit and its acknowledgement: `python -m tests.chat.keeping.dying URL URL`."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from chat.keeping.keeper import Keeper, Taken
from config.postgres import open_pool
from config.redis import connect
from web.failures import AWAY


class Dying(Keeper):
    async def _note_written(self, taken: Sequence[Taken]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


async def main(database_url: str, redis_url: str) -> None:
    pool, redis = await open_pool(database_url), connect(redis_url)
    await Dying(redis, pool, lambda *_: None, failures=AWAY).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
