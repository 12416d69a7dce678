"""Which encoder this node really uses: the one that was asked for, if it works here."""

import structlog

from config import encoders

log = structlog.get_logger()

_tried: dict[str, str] = {}


async def able_encoder(wish: str, preset: str) -> tuple[str, str]:
    """Return the encoder and the preset to use; the first call with a wish tries it, for `encoders.TRIAL_S` at most.

    libx264 comes along with this program and needs no trial; it takes the place of what does not work.
    """
    if wish == encoders.SOFTWARE:
        return wish, preset
    if wish not in _tried:
        _tried[wish] = await encoders.trial(wish)
        if _tried[wish]:
            log.warning("encoder not able", wanted=wish, used=encoders.SOFTWARE, reason=_tried[wish])
    if _tried[wish]:
        return encoders.SOFTWARE, encoders.USUAL_PRESETS[encoders.SOFTWARE]
    return wish, preset
