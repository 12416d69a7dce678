"""Settings: `defaults.toml`, then `tally.toml`, then TALLY_* variables. Unknown names and bad values are refused.

A value is read by the type of its field in `Settings`; the type's description is what an error message tells
the operator to write.
"""

import difflib
import ipaddress
import os
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from config.encoders import PRESETS, USUAL_PRESETS
from config.masking import mask
from config.objects.address import BadAddress, read_address
from config.rungs import BadRung, ConfiguredRung, Rungs, read_rungs, unknown_name

PREFIX = "TALLY_"
CONFIG_VARIABLE = "TALLY_CONFIG"
"""Names the file to read instead of ./tally.toml."""
CONFIG_FILE = "tally.toml"
SECRET_FILE = "secret"  # noqa: S105  # a file's name
SECRET_BYTES = 32

Host = Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:_-]{1,253}$", description="a host name or an address to listen on")]
Port = Annotated[int, Meta(ge=1, le=65535, description="a port from 1 to 65535")]
OptionalPort = Annotated[int, Meta(ge=0, le=65535, description="a port from 1 to 65535, or 0 to turn it off")]
HttpUrl = Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+[^\s?#]*$", description="an http:// or https:// address")]
DatabaseUrl = Annotated[
    str, Meta(pattern=r"^postgres(ql)?://\S+$", description="an address such as postgresql://user:password@host/name")
]
RedisUrl = Annotated[
    str,
    Meta(pattern=r"^(rediss?|unix)://\S+$", description="an address such as redis://host:6379/0 or unix:///path.sock"),
]
S3Url = Annotated[
    str, Meta(pattern=r"^s3://\S+$", description="an address such as s3://KEY:SECRET@host/bucket?region=eu-1")
]
Secret = Annotated[str, Meta(min_length=16, max_length=1024, description="at least 16 characters")]
Ladder = Annotated[
    str, Meta(pattern=r"^[a-z0-9]+(,[a-z0-9]+)*$", description="auto, off, or names of rungs such as 720p,480p")
]
Networks = Annotated[str, Meta(description="networks such as 10.0.0.0/8,fd00::/8")]
Hosts = Annotated[
    str,
    Meta(
        pattern=r"^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]+)?(,(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]+)?)*$|^$",
        description="host names such as example.org,*.example.com",
    ),
]
Addresses = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f.:]+(,[0-9A-Fa-f.:]+)*$|^$",
        description="addresses that viewers reach this machine by, such as 203.0.113.7,2001:db8::7",
    ),
]
PortRange = Annotated[
    str, Meta(pattern=r"^[0-9]{1,5}-[0-9]{1,5}$|^$", description="a range of UDP ports such as 50000-50999")
]
IceServers = Annotated[
    str,
    Meta(
        pattern=r"^(stuns?|turns?):[^\s,]+(,(stuns?|turns?):[^\s,]+)*$|^$",
        description="servers such as stun:stun.example.org:3478,turn:user:password@turn.example.org:3478",
    ),
]
FilePath = Annotated[Path, Meta(description="the path of a file")]
Encoder = Annotated[
    Literal["libx264", "h264_nvenc", "h264_qsv", "h264_videotoolbox", "libsvtav1"],
    Meta(description="libx264, h264_nvenc, h264_qsv, h264_videotoolbox or libsvtav1"),
]
Preset = Annotated[
    str, Meta(pattern=r"^[a-z0-9]{1,16}$", description="a preset of the encoder, such as veryfast of libx264")
]
Limit = Annotated[int, Meta(ge=0, le=1_000_000, description="a number up to 1000000, or 0 for no limit")]


class SettingsError(Exception):
    """The operator's mistake, in one line that names the setting and what it accepts."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose. Field `x` is `x` in tally.toml and TALLY_X in the environment; `_s` is seconds."""

    data: Annotated[Path, Meta(description="the path of a directory")]
    public_url: HttpUrl
    http_host: Host
    http_port: Port
    web_processes: Annotated[int, Meta(ge=1, le=64, description="a number from 1 to 64")]
    internal_host: Host
    internal_port: Port
    internal_url: HttpUrl | None
    origin_host: Host
    origin_port: Port
    origin_url: HttpUrl | None
    rtmp_host: Host
    rtmp_port: OptionalPort
    rtmps_port: OptionalPort
    tls_certificate: FilePath | None
    tls_key: FilePath | None
    srt_host: Host
    srt_port: OptionalPort
    srt_latency_ms: Annotated[int, Meta(ge=20, le=8000, description="a number of milliseconds from 20 to 8000")]
    webrtc_host: Host
    webrtc_port: OptionalPort
    webrtc_url: HttpUrl | None
    webrtc_addresses: Addresses
    webrtc_udp_ports: PortRange
    webrtc_max_viewers: Annotated[int, Meta(ge=0, le=10_000, description="a number up to 10000")]
    ice_servers: IceServers
    relay_host: Host
    relay_port: OptionalPort
    pull_allow: Networks
    irc_host: Host
    irc_port: OptionalPort
    chat_sockets: Annotated[int, Meta(ge=1, le=60_000, description="a number from 1 to 60000")]
    database_url: DatabaseUrl | None
    redis_url: RedisUrl | None
    redis_replicas: Annotated[int, Meta(ge=0, le=8, description="a number of replicas up to 8, or 0 to wait for none")]
    s3_url: S3Url | None
    recordings_s3_url: S3Url | None
    s3_delivery: Annotated[Literal["proxy", "presigned", "public"], Meta(description="proxy, presigned or public")]
    s3_public_url: HttpUrl | None
    storage_host: Host
    storage_port: Port
    storage_url: HttpUrl | None
    spool_max_gb: Annotated[float, Meta(ge=0, le=1_000_000, description="a number of GB, or 0 for half of the disk")]
    rewind_s: Annotated[int, Meta(ge=0, le=86400, description="a number of seconds up to 86400, or 0 for no rewind")]
    keep_days: Limit
    keep_gb: Limit
    access_s: Annotated[int, Meta(ge=60, le=604800, description="a number of seconds from 60 to 604800")]
    embed_allow: Hosts
    secret: Secret
    registration: Annotated[Literal["open", "invite", "closed"], Meta(description="open, invite or closed")]
    webhook_allow: Networks
    trusted_proxies: Networks
    ladder: Ladder
    rungs: Rungs
    encoder: Encoder
    encoder_preset: Preset
    transcode_cores: Annotated[
        float, Meta(ge=0, le=1024, description="a number of cores up to 1024, or 0 for 80 % of those it may use")
    ]
    max_bitrate_kbps: Limit
    max_height: Limit
    max_frame_rate: Limit
    max_duration_s: Limit
    max_streams: Limit
    slate: FilePath | None
    part_s: Annotated[float, Meta(ge=0.1, le=2, description="a number of seconds from 0.1 to 2")]
    segment_s: Annotated[float, Meta(ge=1, le=10, description="a number of seconds from 1 to 10")]
    grace_s: Annotated[float, Meta(ge=0, le=3600, description="a number of seconds from 0 to 3600")]
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="debug, info, warning or error")
    ]
    log_format: Annotated[Literal["auto", "console", "json"], Meta(description="auto, console or json")]

    @property
    def internal_base_url(self) -> str:
        """Where ingest reaches web's internal listener; no slash at the end."""
        return (self.internal_url or _local_url(self.internal_host, self.internal_port)).rstrip("/")

    @property
    def origin_base_url(self) -> str:
        """Where web reaches this ingest process; no slash at the end."""
        return (self.origin_url or _local_url(self.origin_host, self.origin_port)).rstrip("/")

    @property
    def storage_base_url(self) -> str:
        """Where web reaches a storage process; no slash at the end."""
        return (self.storage_url or _local_url(self.storage_host, self.storage_port)).rstrip("/")

    @property
    def webrtc_base_url(self) -> str:
        """Where web reaches this webrtc process; no slash at the end."""
        return (self.webrtc_url or _local_url(self.webrtc_host, self.webrtc_port)).rstrip("/")

    @property
    def serves_rtmps(self) -> bool:
        """RTMPS runs when it has a port, a certificate and a key."""
        return bool(self.rtmps_port and self.tls_certificate and self.tls_key)

    def __repr__(self) -> str:
        return "Settings(" + ", ".join(f"{name}={value!r}" for name, value in masked(self).items()) + ")"


FIELDS = tuple(Settings.__struct_fields__)


class Loaded(msgspec.Struct, frozen=True):
    """Settings and, for each field, where its value came from: default, a file, or a variable."""

    settings: Settings
    sources: dict[str, str]


def load(
    environ: Mapping[str, str] = os.environ, *, cwd: Path | None = None, make_secret: bool = False, bare: bool = False
) -> Loaded:
    """Read all settings. Raises `SettingsError`.

    With `make_secret` a missing secret is made and kept in the data directory; with `bare` a missing secret stays
    empty (for commands that sign nothing); otherwise it is an error. Relative paths start at `cwd`.
    """
    here = Path.cwd() if cwd is None else cwd
    raw: dict[str, Any] = tomllib.loads(resources.files("config").joinpath("defaults.toml").read_text("utf-8"))
    sources = dict.fromkeys(FIELDS, "default")
    for name, value, source in (*_from_file(environ, here), *_from_environ(environ)):
        raw[name], sources[name] = value, source
    values = {name: _read(name, raw[name], sources[name]) for name in FIELDS if name != "secret"}
    values["data"] = here / values["data"].expanduser()
    for name in ("tls_certificate", "tls_key", "slate"):
        if values[name] is not None:
            values[name] = here / values[name].expanduser()
    if raw["secret"] == "":
        raw["secret"], sources["secret"] = _kept_secret(values["data"], make=make_secret)
    if raw["secret"] == "" and not bare:
        raise SettingsError(f"TALLY_SECRET is not set and {values['data'] / SECRET_FILE} does not exist: set it")
    values["secret"] = _read("secret", raw["secret"], sources["secret"]) if raw["secret"] != "" else ""
    settings = Settings(**values)
    _check_together(settings)
    _check_storage(settings)
    _check_ladder(settings, sources)
    return Loaded(settings, sources)


def variable(name: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + name.upper()


def masked(settings: Settings) -> dict[str, str | int | float | None]:
    """Return all values as an operator may see them: no secret, no password."""
    shown: dict[str, str | int | float | None] = {}
    for name in FIELDS:
        value = getattr(settings, name)
        if name == "secret":
            shown[name] = "****" if value else None
        elif name == "rungs":
            shown |= {f"{name}.{key}": str(rung) for key, rung in value.items()}
        elif isinstance(value, Path):
            shown[name] = str(value)
        else:
            shown[name] = mask(value) if isinstance(value, str) else value
    return shown


# --- where values come from --------------------------------------------------------------------------------


def _from_file(environ: Mapping[str, str], cwd: Path) -> Iterator[tuple[str, Any, str]]:
    named = environ.get(CONFIG_VARIABLE, "")
    path = cwd / (named or CONFIG_FILE)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if named:
            raise SettingsError(f"{CONFIG_VARIABLE} names {path}, which does not exist") from None
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    for name, value in table.items():
        if name not in FIELDS:
            raise SettingsError(f"{path}: there is no setting {name!r}{_suggestion(name, FIELDS)}")
        yield name, value, str(path)


def _from_environ(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    known = {variable(name): name for name in FIELDS}
    for key, value in sorted(environ.items()):
        if not key.startswith(PREFIX) or key == CONFIG_VARIABLE:
            continue
        if key not in known:
            raise SettingsError(f"there is no setting {key}{_suggestion(key, tuple(known))}")
        if value != "":  # container files pass `${X:-}`: an empty variable is one that is not set
            yield known[key], value, key


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {close[0]}?" if close else ": `tally doctor` lists all settings"


def _kept_secret(data: Path, *, make: bool) -> tuple[str, str]:
    """Return the data directory's secret and its source, or "" when there is none."""
    path = data / SECRET_FILE
    try:
        return path.read_text("ascii").strip(), str(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}): restore it, or set TALLY_SECRET") from None
    if not make:
        return "", "not set"
    draft = path.with_name(f"{SECRET_FILE}.{os.getpid()}")
    try:
        data.mkdir(parents=True, exist_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(secrets.token_urlsafe(SECRET_BYTES), "ascii")
        try:
            os.link(draft, path)  # unlike rename, this never replaces a secret that another process just made
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise SettingsError(f"{path} cannot be made: {error.strerror}: fix that, or set TALLY_SECRET") from None
    return path.read_text("ascii").strip(), str(path)


# --- what values are accepted ------------------------------------------------------------------------------


def _read(name: str, raw: object, source: str) -> Any:
    if name == "rungs":
        return _read_rungs(raw, source)
    kind = _TYPES[name]
    if raw == "" and type(None) in get_args(kind):
        return None
    try:
        value = msgspec.convert(raw, kind, strict=False, dec_hook=_convert_path)
        if name in {"webhook_allow", "trusted_proxies", "pull_allow"}:
            [ipaddress.ip_network(part.strip()) for part in str(value).split(",") if part.strip()]
        elif name == "webrtc_addresses":
            [ipaddress.ip_address(part) for part in str(value).split(",") if part]
        elif name == "webrtc_udp_ports":
            _check_range(str(value))
    except (msgspec.ValidationError, ValueError):
        label = source if source.startswith(PREFIX) else f"{name} in {source}"
        shown = repr(mask(raw) if isinstance(raw, str) else raw) if name != "secret" else "not usable"
        raise SettingsError(f"{label} is {shown}: give {_description(kind)}") from None
    return value


def _check_range(text: str) -> None:
    first, _, last = text.partition("-")
    if text and not 1024 <= int(first) <= int(last) <= 65535:
        raise ValueError(text)


def _read_rungs(raw: object, source: str) -> dict[str, ConfiguredRung]:
    if source.startswith(PREFIX):
        raise SettingsError(f"{source} is not read: rungs are tables of {CONFIG_FILE}, such as [rungs.720p]")
    try:
        return read_rungs(raw)
    except BadRung as error:
        raise SettingsError(f"{error.where} in {source} {error.what}") from None


def _convert_path(kind: type, raw: object) -> Path:
    if not issubclass(kind, Path) or not isinstance(raw, str) or raw == "" or "\0" in raw:
        raise ValueError(raw)
    return Path(raw)


def _description(kind: Any) -> str:
    for part in get_args(kind):
        if isinstance(part, Meta) and part.description:
            return part.description
        if found := _description(part):
            return found
    return ""


_TYPES: dict[str, Any] = get_type_hints(Settings, include_extras=True)


def _check_together(settings: Settings) -> None:
    if settings.part_s > settings.segment_s / 2:
        raise SettingsError(
            f"TALLY_PART_S is {settings.part_s:g} and TALLY_SEGMENT_S is {settings.segment_s:g}: "
            "a segment needs at least two parts"
        )
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsError("TALLY_TLS_CERTIFICATE and TALLY_TLS_KEY belong together: set both or neither")


def _check_storage(settings: Settings) -> None:
    for name in ("s3_url", "recordings_s3_url"):
        try:
            if (url := getattr(settings, name)) is not None:
                read_address(url)
        except BadAddress as error:
            raise SettingsError(f"{variable(name)} is {mask(url)!r}: {error}") from None
    if settings.s3_delivery == "proxy":
        return
    if settings.s3_url is None:
        raise SettingsError(f"TALLY_S3_DELIVERY is {settings.s3_delivery}: set TALLY_S3_URL too, files have no address")
    if settings.s3_delivery == "public" and settings.s3_public_url is None:
        raise SettingsError("TALLY_S3_DELIVERY is public: set TALLY_S3_PUBLIC_URL to where everybody reads the objects")


def _check_ladder(settings: Settings, sources: dict[str, str]) -> None:
    if trouble := unknown_name(settings.ladder, settings.rungs):
        raise SettingsError(f"TALLY_LADDER is {settings.ladder!r} (from {sources['ladder']}): {trouble}")
    presets = PRESETS[settings.encoder]
    if settings.encoder_preset not in presets:
        close = difflib.get_close_matches(settings.encoder_preset, presets, n=1)
        advice = close[0] if close else USUAL_PRESETS[settings.encoder]
        raise SettingsError(
            f"TALLY_ENCODER_PRESET is {settings.encoder_preset!r}, which {settings.encoder} does not have: "
            f"{advice} would do, of {', '.join(presets)}"
        )


def reachable(listening: str) -> str:
    """Return the host under which a listener of this machine is reached: all addresses are not one address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listening, listening)


def _local_url(listening: str, port: int) -> str:
    host = reachable(listening)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
