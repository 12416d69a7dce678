"""The delivery process under measurement: the public port of a web process, with aiohttp behind it.

`python -m tests.bench.delivery_process REDIS_URL` prints its port and its pid; `GET /counters` is answered by aiohttp.
"""

import asyncio
import sys

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from config.redis import connect
from web.hls.delivery import Delivery
from web.hls.front import make_front
from web.hls.route import add_to
from web.metrics import Metrics, Troubles
from web.viewers import Viewers


async def main(redis_url: str) -> None:
    """Serve until killed."""
    redis = connect(redis_url)
    metrics = Metrics()
    viewers = Viewers(redis, metrics, Troubles(metrics))
    delivery = Delivery(redis, viewers)
    registry = CollectorRegistry()
    registry.register(delivery.counters)

    async def counters(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry))

    application = web.Application()
    add_to(application, delivery)
    application.router.add_get("/counters", counters)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    assert runner.server is not None
    await delivery.start()
    front = make_front(delivery, runner.server)
    server = await asyncio.get_running_loop().create_server(front, "127.0.0.1", 0, backlog=4096)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(viewers.run(), name="viewers")
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
