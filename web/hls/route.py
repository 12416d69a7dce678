"""The second door: requests under `/hls/` on a connection that the web application already owns.

It answers by the same `Delivery` and then closes the connection: the player's next request opens one that the front
serves itself, several times cheaper. A page's first connections carry scripts and API calls, so without this
most players would stay on the dear way for as long as they watch.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import CIMultiDict

from web.hls.delivery import Delivery
from web.hls.heads import Request, read_fields

ROUTE = "/hls/{tail:.*}"
"""Register the handler for every method: `app.router.add_route("*", ROUTE, aiohttp_handler(delivery))`."""


def aiohttp_handler(delivery: Delivery) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the handler of `ROUTE`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        headers = request.headers
        fields = {name.lower(): ", ".join(headers.getall(name)) for name in headers}
        query = request.rel_url.raw_query_string
        target = request.rel_url.raw_path + ("?" + query if query else "")
        answer = await delivery.answer(
            Request(request.method, target, read_fields(fields, keeps_alive=False, has_body=request.can_read_body))
        )
        if answer.viewed is not None:
            viewers = delivery.viewers
            token = viewers.token(headers.get("Cookie"), request.remote or "", headers.get("User-Agent"))
            viewers.saw(answer.viewed, token)
        answer_headers: CIMultiDict[str] = CIMultiDict()
        for line in answer.fields.decode("latin-1").splitlines():
            name, _, value = line.partition(": ")
            answer_headers.add(name, value)
        response = web.Response(status=answer.status, headers=answer_headers, body=bytes(answer.body))
        response.force_close()
        return response

    return handle
