"""What the webrtc processes report: where they are, how full, and who watches."""

import time

from schemas.api import Nothing
from schemas.webrtc import WebrtcHeartbeat, WebrtcNode
from web.services import Services


async def heartbeat(services: Services, report: WebrtcHeartbeat) -> Nothing:
    """Know the process from now on, and count its viewers with those of HLS."""
    for channel, viewers in report.viewers.items():
        for viewer in viewers:
            services.viewers.saw(channel, viewer)
    node = WebrtcNode(
        node_id=report.node_id,
        url=report.url,
        viewers=sum(map(len, report.viewers.values())),
        max_viewers=report.max_viewers,
        publishers=report.publishers,
        seen_ms=time.time_ns() // 1_000_000,
    )
    await services.nodes.heard(node)
    return Nothing()
