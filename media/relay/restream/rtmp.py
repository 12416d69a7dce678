"""A source sent to another RTMP server, as an encoder would: configuration, then tags from the running GOP on."""

import ssl
from collections.abc import Callable

from config.addresses import Reach
from media.links.messages import AUDIO, VIDEO, Break, Configure, Ended, Media
from media.packets import CodecConfig, TrackKind
from media.relay.job import Setback
from media.relay.restream.backlog import Backlog
from media.relay.restream.target import Target
from media.rtmp import tags
from media.rtmp.client import PublishFailed, RtmpPublisher
from media.rtmp.stamps import Stamps


class RtmpWay:
    """One connection's worth of sending. `run` returns at the end of the stream and raises `Setback` otherwise."""

    tracks = (VIDEO, AUDIO)
    """What RTMP servers take: sound as AAC."""

    def __init__(self, target: Target, reach: Reach, tls: ssl.SSLContext | None = None) -> None:
        self._target, self._reach, self._tls = target, reach, tls
        self._stamps = Stamps()

    async def run(self, backlog: Backlog, works: Callable[[], None], count: Callable[[int], None]) -> None:
        """Send what comes out of the backlog. `works` is called when it is taken, `count` with bytes sent."""
        target = self._target
        try:
            connection = await self._reach.connect(target.host, target.port)
            async with await RtmpPublisher.connect(target.url, tls=self._tls, connection=connection) as publisher:
                await self._send(publisher, backlog, works, count)
        except PublishFailed as error:
            raise Setback(f"The other server ended it: {target.hide(str(error)).rstrip('.')}.") from error

    async def _send(
        self, publisher: RtmpPublisher, backlog: Backlog, works: Callable[[], None], count: Callable[[int], None]
    ) -> None:
        configs: dict[TrackKind, CodecConfig] = {}
        newest_ms = 0
        while True:
            match await backlog.get():
                case Configure(_, config):
                    self._stamps.configure(config)
                    configs[config.kind] = config
                    await publisher.send_metadata(tags.metadata(configs.values()))
                    await publisher.send_config(config, newest_ms)
                case Media(_, packet):
                    placed = self._stamps.place(packet)
                    if placed is None or packet.kind not in configs:
                        continue
                    newest_ms = placed.dts
                    await publisher.send_packet(placed)
                    works()
                    count(len(packet.data))
                case Break():
                    continue  # the stamps go on by the time that passed, and the next picture is a keyframe
                case Ended():
                    return
