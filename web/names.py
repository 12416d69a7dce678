"""Names that no account or channel may have: they are paths of ours, or would be taken for someone official."""

import re

from schemas.errors import ApiError, ErrorCode

_PATHS = """
    about account accounts admin analytics api assets auth avatars bots browse categories category channel channels chat
    clip clips css dash dashboard directory doc docs embed emotes explore favicon feed files follow followers
    following follows health healthz help hls home images img index internal irc js legal live login logout manifest
    me media metrics notifications oauth oembed overlay password player popular posters preview privacy profile
    public pulls readyz recordings register relay restreams robots rtmp rtmps search security services session
    settings signin signup sitemap srt static status stream streams studio subscribe subscriptions support tag tags
    terms thumbnails tokens tos trending upload uploads user users video videos vod vods web webhooks webrtc websocket
    well_known whep whip ws www
"""
_OFFICES = """
    administrator anonymous bot everyone guest here mod moderator moderators null official operator owner root staff
    system tally tallylight undefined
"""
RESERVED = frozenset([*_PATHS.split(), *_OFFICES.split()])
_LIKE_AN_ID = re.compile(r"[0-9][0-9a-hjkmnp-tv-z]{20}")
"""What `schemas.ids.make_id` makes: a name like this could hide another channel, whose id it is."""


def refuse_reserved(name: str, *, field: str) -> None:
    """Raise `ApiError(INVALID_REQUEST)` for a name that nobody may take."""
    if name in RESERVED or _LIKE_AN_ID.fullmatch(name):
        raise ApiError(ErrorCode.INVALID_REQUEST, "This name can't be used.", fields={field: "is reserved"})
