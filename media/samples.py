"""How long an access unit of sound lasts, as `Timeline` asks."""

from media.codecs import BadConfig, access_unit_samples
from media.packets import CodecConfig


def samples_of(config: CodecConfig, data: bytes) -> int:
    """Return how many samples an access unit lasts; none when it is damaged, and then it is dropped."""
    try:
        return access_unit_samples(config, data)
    except BadConfig:
        return 0
