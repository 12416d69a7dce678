"""What other sites show of a link to a page of ours: Open Graph tags, and Twitter's for a player.

Only of what everybody may watch: for all else a page says no more than that it is one.
"""

import html
from collections.abc import Mapping
from typing import Final

from web.addresses import Place
from web.api.vods import THUMBNAIL
from web.store.channels import ChannelRow
from web.store.clips import ClipRow
from web.store.vods import VodRow

MP4: Final = "video/mp4"


def write(page: str, tags: Mapping[str, str]) -> str:
    """Return the page with these tags in its head."""
    metas = "".join(
        f'<meta {"name" if name.startswith("twitter:") else "property"}="{name}" content="{html.escape(content)}">'
        for name, content in tags.items()
    )
    return page.replace("</head>", metas + "</head>", 1)


def of_channel(channel: ChannelRow, public_url: str) -> dict[str, str]:
    """Return the tags of a channel's page."""
    return {
        "og:title": f"{channel.display_name} on Tallylight",
        "og:description": channel.title or f"Watch {channel.name} live.",
        "og:type": "video.other",
        "og:url": f"{public_url}/{channel.name}",
    }


def of_vod(vod: VodRow, public_url: str) -> dict[str, str]:
    """Return the tags of a recording's page; none when not everybody may watch it."""
    if vod.visibility != "public":
        return {}
    place = Place("vods", vod.id)
    tags = {
        "og:title": vod.title or f"{vod.display_name} on Tallylight",
        "og:description": f"A recording of {vod.display_name}, {vod.started_at:%d %B %Y}.",
        "og:type": "video.other",
        "og:url": f"{public_url}/videos/{vod.id}",
    }
    if vod.thumbnail:
        tags |= {"og:image": public_url + place.file(THUMBNAIL), "twitter:card": "summary_large_image"}
    return tags


def of_clip(clip: ClipRow, public_url: str) -> dict[str, str]:
    """Return the tags of a clip's page, with which others play its MP4; none when not everybody may watch it."""
    if clip.visibility != "public":
        return {}
    place, page = Place("clips", clip.id), f"{public_url}/clips/{clip.id}"
    title = clip.title or f"A clip of {clip.display_name}"
    tags = {
        "og:title": title,
        "og:description": f"A clip of {clip.display_name} by {clip.creator_name}.",
        "og:type": "video.other",
        "og:url": page,
        "og:video": f"{public_url}{place.base}.mp4",
        "og:video:type": MP4,
        "video:duration": str(round(clip.end_s - clip.start_s)),
        "twitter:title": title,
    }
    if clip.width and clip.height:
        width, height = clip.width, clip.height
        tags |= {"og:video:width": str(width), "og:video:height": str(height)}
        # A player card is an address of ours in a frame, or a file; it must say how large it is, and have an image.
        tags |= {
            "twitter:card": "player",
            "twitter:player": page,
            "twitter:player:width": str(width),
            "twitter:player:height": str(height),
            "twitter:player:stream": f"{public_url}{place.base}.mp4",
            "twitter:player:stream:content_type": MP4,
        }
    if clip.made is not None or clip.thumbnail:
        tags |= {"og:image": public_url + place.file(THUMBNAIL), "twitter:image": public_url + place.file(THUMBNAIL)}
    return tags
