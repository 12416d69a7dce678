"""The second door: requests for delivery on a connection that the web application already owns.

It answers by the same `Delivery` and then closes the connection: the player's next request opens one that the front
serves itself, several times cheaper. A page's first connections carry scripts and API calls, so without this
most players would stay on the dear way for as long as they watch.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import CIMultiDict

from web.hls.delivery import Delivery
from web.hls.heads import Request, read_fields

ROUTES = (
    "/hls/{tail:.*}",
    r"/{root:vods|clips}/{id:[^~/][^/]*}/{file:.*}",
    r"/{root:vods|clips}/{token:~[^/]*}/{id}/{file:.*}",
)
"""What delivery answers, as `targets.is_ours` sees it."""


def add_to(app: web.Application, delivery: "Delivery") -> None:
    """Register the second door for every method."""
    handler = aiohttp_handler(delivery)
    for route in ROUTES:
        app.router.add_route("*", route, handler)


def aiohttp_handler(delivery: Delivery) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the handler of `ROUTES`."""

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
