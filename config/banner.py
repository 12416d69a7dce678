"""What `tally serve` tells people when everything is ready."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from config import libsrt
from config.settings import Settings

FIRST_RUN_FILE = "first-run.json"
RTMP_PORT, RTMPS_PORT = 1935, 443
"""What clients take when an address names no port."""


class FirstRun(msgspec.Struct, frozen=True, rename="camel"):
    """DATA/first-run.json, as far as it is shown."""

    watch_url: str
    stream_key: str
    admin_user: str
    admin_password: str


def read_first_run(data: Path) -> FirstRun | None:
    """Return what the first run has made; None when the file is gone (or not what it should be)."""
    try:
        return msgspec.json.decode((data / FIRST_RUN_FILE).read_bytes(), type=FirstRun)
    except (OSError, msgspec.MsgspecError):
        return None


def text(settings: Settings, version: str, first_run: FirstRun | None) -> str:
    """Return the announcement. With `first_run` it shows the key and the password, this once."""
    public = settings.public_url.rstrip("/")
    lines = ["", f"Tallylight {version} is ready. Ctrl-C stops it.", ""]
    lines.append(f"  Watch       {first_run.watch_url if first_run else public}")
    lines += [f"  Publish     {address}" for address in here(settings).values()]
    if first_run is not None:
        lines += [
            f"  Stream key  {first_run.stream_key}",
            f"  Sign in     {public}/login",
            f"              {first_run.admin_user}, password {first_run.admin_password}",
            "",
            f"  The key and the password are shown only now; they also lie in {settings.data / FIRST_RUN_FILE}",
        ]
    return "\n".join([*lines, ""])


def here(settings: Settings) -> dict[str, str]:
    """Return those of `publish_addresses` that this machine can serve."""
    found = publish_addresses(settings)
    if isinstance(libsrt.find(), str):
        found.pop("srt", None)
    return found


def publish_addresses(settings: Settings) -> dict[str, str]:
    """Return the servers as OBS wants them, by their protocol (rtmp, rtmps, srt, whip): without the key."""
    host = urlsplit(settings.public_url).hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    found: dict[str, str] = {}
    if settings.rtmp_port:
        port = "" if settings.rtmp_port == RTMP_PORT else f":{settings.rtmp_port}"
        found["rtmp"] = f"rtmp://{host}{port}/live"
    if settings.serves_rtmps:
        port = "" if settings.rtmps_port == RTMPS_PORT else f":{settings.rtmps_port}"
        found["rtmps"] = f"rtmps://{host}{port}/live"
    if settings.srt_port:
        found["srt"] = f"srt://{host}:{settings.srt_port}"
    if settings.webrtc_port:
        found["whip"] = f"{settings.public_url.rstrip('/')}/whip"
    return found
