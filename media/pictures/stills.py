"""The pictures of one keyframe: its thumbnail and its tile of the storyboard."""

import av

from media.packets import CodecConfig
from media.pictures import jpegs, keyframes
from media.pictures.messages import Still
from media.pictures.sheets import Sheets

WIDTH, MOST_HEIGHT = 640, 1138
"""Pixels of a thumbnail; 9:16 is as high as it gets, higher pictures are narrower."""
QUANTISERS = (3, 5, 8, 12, 20)
MOST_BYTES = 45_000


def take(config: CodecConfig, data: bytes, sheets: Sheets, session_id: str) -> Still:
    """Return the pictures of a keyframe. Raises `BadPicture`."""
    frame, aspect = keyframes.decode(config, data)
    width, height = jpegs.fit(frame.width, frame.height, WIDTH, MOST_HEIGHT, aspect)
    try:
        picture = jpegs.reduced(frame, width, height)
    except (av.FFmpegError, ValueError) as error:
        raise keyframes.BadPicture(f"{frame.format.name} in colours that cannot be shown: {error}") from error
    thumbnail = jpegs.encode(picture, quantisers=QUANTISERS, most_bytes=MOST_BYTES)
    return Still(thumbnail, sheets.add(session_id, picture))
