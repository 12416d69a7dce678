"""Bodies and answers of the HTTP API: camelCase JSON, times as RFC 3339 strings in UTC."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

import msgspec

from schemas.access import TOKEN_MAX, Visibility
from schemas.ids import ChannelId, ClipId, SessionId, UserId, VodId
from schemas.ingest import SessionHealth

T = TypeVar("T")

# Patterns end in \Z because Python's $ also matches before a newline at the end; `openapi.py` writes it as $, which
# in JSON Schema has no such second meaning.
NAME_PATTERN = r"^[a-z0-9_]{3,25}\Z"
"""Names of accounts and channels."""
LINE_PATTERN = r"^[^\u0000-\u001f\u007f]*\Z"
"""One line of text: no control characters (PostgreSQL could not even store a NUL)."""
WORDS_PATTERN = r"^[^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*\Z"
"""One line with something to see on it."""
EMAIL_PATTERN = r"^[^@\s\u0000-\u001f\u007f]+@[^@\s\u0000-\u001f\u007f]+\Z"
CATEGORY_PATTERN = r"^[a-z0-9-]{0,50}\Z"
LANGUAGE_PATTERN = r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?\Z"
LADDER_PATTERN = r"^[a-z0-9]{1,16}(,[a-z0-9]{1,16}){0,7}\Z"
ID_PATTERN = r"^[0-9a-z]{1,40}\Z"
METADATA_KEY_PATTERN = r"^[A-Z0-9-]{1,50}\Z"
METADATA_CLASS_PATTERN = r"^[A-Za-z0-9._:-]{1,100}\Z"
METADATA_VALUE_PATTERN = r"^[^\u0000-\u001f\u007f\"]*\Z"
PASSPHRASE_PATTERN = r"^[\u0021-\u007e]*\Z"  # noqa: S105  # a shape
SOURCE_URL_PATTERN = r"^(https?|rtsps?|rtmps?|srt|udp)://[\u0021-\u007e]+\Z|^file:[\u0020-\u007e]+\Z"
TARGET_URL_PATTERN = r"^(rtmps?|srt)://[\u0021-\u007e]+\Z"
EMOTE_NAME_PATTERN = r"^[A-Za-z0-9_]{2,32}\Z"
COLOR_PATTERN = r"^(#[0-9A-Fa-f]{6})?\Z"
PATTERN_WORDS = {
    EMOTE_NAME_PATTERN: "must be 2 to 32 of A-Z, a-z, 0-9 and _",
    COLOR_PATTERN: "must be a colour such as #3E63DD",
    PASSPHRASE_PATTERN: "must be of visible ASCII characters, without spaces",
    SOURCE_URL_PATTERN: "must be an address that begins with http, https, rtsp, rtsps, rtmp, rtmps, srt, udp or file",
    TARGET_URL_PATTERN: "must be an address that begins with rtmp, rtmps or srt",
    NAME_PATTERN: "must be 3 to 25 of a-z, 0-9 and _",
    LINE_PATTERN: "must be one line of text",
    WORDS_PATTERN: "must be one line of text that is not blank",
    EMAIL_PATTERN: "must be an e-mail address",
    CATEGORY_PATTERN: "must be at most 50 of a-z, 0-9 and -",
    LANGUAGE_PATTERN: "must be a language code such as en or pt-BR",
    LADDER_PATTERN: "must be auto, off, or up to 8 names of rungs such as 720p,480p",
    ID_PATTERN: "must be an id",
    METADATA_KEY_PATTERN: "must be at most 50 of A-Z, 0-9 and -",
    METADATA_CLASS_PATTERN: "must be a reverse domain name such as com.example.score",
    METADATA_VALUE_PATTERN: "must be one line of text without double quotes",
}
"""What each pattern asks for, to be said to people."""
PASSWORD_MIN, PASSWORD_MAX = 10, 128
TITLE_MAX, DISPLAY_NAME_MAX, TAGS_MAX, QUERY_MAX = 140, 50, 10, 100
PAGE_DEFAULT, PAGE_MAX = 24, 100
METADATA_FIELDS_MAX, METADATA_VALUE_MAX = 16, 500

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
Password = Annotated[str, msgspec.Meta(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX)]
SrtPassphrase = Annotated[str, msgspec.Meta(min_length=10, max_length=79, pattern=PASSPHRASE_PATTERN)]
SourceUrl = Annotated[str, msgspec.Meta(max_length=2048, pattern=SOURCE_URL_PATTERN)]
TargetUrl = Annotated[str, msgspec.Meta(max_length=2048, pattern=TARGET_URL_PATTERN)]
TargetKey = Annotated[str, msgspec.Meta(max_length=512, pattern=PASSPHRASE_PATTERN)]
RestreamName = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=WORDS_PATTERN)]
Title = Annotated[str, msgspec.Meta(max_length=TITLE_MAX, pattern=LINE_PATTERN)]
DisplayName = Annotated[str, msgspec.Meta(min_length=1, max_length=DISPLAY_NAME_MAX, pattern=WORDS_PATTERN)]
Email = Annotated[str, msgspec.Meta(max_length=254, pattern=EMAIL_PATTERN)]
CategoryId = Annotated[str, msgspec.Meta(pattern=CATEGORY_PATTERN)]
Language = Annotated[str, msgspec.Meta(pattern=LANGUAGE_PATTERN, max_length=20)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=25, pattern=LINE_PATTERN)]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=TAGS_MAX)]
Ladder = Annotated[str, msgspec.Meta(pattern=LADDER_PATTERN)]
MetadataKey = Annotated[str, msgspec.Meta(pattern=METADATA_KEY_PATTERN)]
MetadataValue = Annotated[str, msgspec.Meta(max_length=METADATA_VALUE_MAX, pattern=METADATA_VALUE_PATTERN)]
MetadataClass = Annotated[str, msgspec.Meta(pattern=METADATA_CLASS_PATTERN)]
Keep = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
ShareS = Annotated[int, msgspec.Meta(ge=60, le=365 * 24 * 3600)]
Ms = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]
Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]


class Data(msgspec.Struct, Generic[T], frozen=True):
    """The envelope of one thing."""

    data: T
    success: bool = True


class Page(msgspec.Struct, frozen=True):
    """Where the next page begins; null on the last one."""

    cursor: str | None


class DataList(msgspec.Struct, Generic[T], frozen=True):
    """The envelope of one page of things."""

    data: list[T]
    page: Page
    success: bool = True


class Nothing(msgspec.Struct, frozen=True):
    """The data of an answer that only says that it was done."""


# --- what clients send: unknown fields are refused ---------------------------------------------------------


class Register(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST auth/register."""

    username: Name
    password: Password
    email: Email | None = None
    display_name: DisplayName | None = None
    invite_code: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class Login(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST auth/login."""

    username: Annotated[str, msgspec.Meta(max_length=PASSWORD_MAX)]
    password: Annotated[str, msgspec.Meta(max_length=PASSWORD_MAX)]


class ListChannels(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET channels. `cursor` is what the page before gave; `q` looks in names and titles."""

    live: Literal["true", "false"] | msgspec.UnsetType = msgspec.UNSET
    category: CategoryId | msgspec.UnsetType = msgspec.UNSET
    q: Annotated[str, msgspec.Meta(max_length=QUERY_MAX, pattern=LINE_PATTERN)] | msgspec.UnsetType = msgspec.UNSET
    cursor: Annotated[str, msgspec.Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT


class PatchMe(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """PATCH me: what is absent stays as it is."""

    display_name: DisplayName | msgspec.UnsetType = msgspec.UNSET
    chat_color: Annotated[str, msgspec.Meta(pattern=COLOR_PATTERN)] | msgspec.UnsetType = msgspec.UNSET
    """Of my name in chats; "" is one that is chosen for me."""


class CreateChannel(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels."""

    name: Name
    title: Title = ""
    category_id: CategoryId = ""
    language: Language = ""
    tags: Tags = []


class PatchChannel(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """PATCH channels/{id}: what is absent stays as it is."""

    title: Title | msgspec.UnsetType = msgspec.UNSET
    category_id: CategoryId | msgspec.UnsetType = msgspec.UNSET
    language: Language | msgspec.UnsetType = msgspec.UNSET
    tags: Tags | msgspec.UnsetType = msgspec.UNSET
    mature: bool | msgspec.UnsetType = msgspec.UNSET
    ladder: Ladder | msgspec.UnsetType | None = msgspec.UNSET
    """`auto`, `off`, names of configured rungs, or null for what the instance does."""
    visibility: Visibility | msgspec.UnsetType = msgspec.UNSET
    """Who may watch it live; takes effect on the running stream too."""
    vod_visibility: Visibility | msgspec.UnsetType = msgspec.UNSET
    """Who may watch recordings that begin from now on."""
    recording: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether streams that begin from now on are recorded."""
    keep_days: Keep | msgspec.UnsetType | None = msgspec.UNSET
    """How long recordings stay: days, 0 for ever, or null for what the instance does."""
    keep_gb: Keep | msgspec.UnsetType | None = msgspec.UNSET
    """How much they may take before the oldest go: GB, 0 without limit, or null for what the instance does."""
    srt_passphrase: SrtPassphrase | msgspec.UnsetType | None = msgspec.UNSET
    """What SRT publishers must encrypt with, or null for no encryption."""


class PutPull(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """PUT channels/{id}/pull: fetch the channel's stream from there."""

    url: SourceUrl | msgspec.UnsetType = msgspec.UNSET
    """Absent: the one that is there."""
    is_enabled: bool = True


class CreateRestream(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/restreams: send the channel's source there too, whenever it is live."""

    name: RestreamName
    url: TargetUrl
    key: TargetKey = ""
    """Appended to the address of RTMP, the streamid of SRT; never shown again."""
    is_enabled: bool = True


class PatchRestream(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """PATCH restreams/{id}: what is absent stays as it is; but to another server the key of before is not sent."""

    name: RestreamName | msgspec.UnsetType = msgspec.UNSET
    url: TargetUrl | msgspec.UnsetType = msgspec.UNSET
    key: TargetKey | msgspec.UnsetType = msgspec.UNSET
    is_enabled: bool | msgspec.UnsetType = msgspec.UNSET


class AddMetadata(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/metadata: shown by players at the moment at which it arrives here."""

    data: Annotated[dict[MetadataKey, MetadataValue], msgspec.Meta(min_length=1, max_length=METADATA_FIELDS_MAX)]
    class_name: MetadataClass = "com.tallylight.metadata"
    duration_ms: Annotated[int, msgspec.Meta(ge=0, le=24 * 3600 * 1000)] | None = None


class ListVods(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET vods, newest first. `channel` is an id or a name; without it, of all channels."""

    channel: Annotated[str, msgspec.Meta(max_length=40, pattern=LINE_PATTERN)] | msgspec.UnsetType = msgspec.UNSET
    cursor: Annotated[str, msgspec.Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT


class PatchVod(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """PATCH vods/{id}: what is absent stays as it is."""

    title: Title | msgspec.UnsetType = msgspec.UNSET
    visibility: Visibility | msgspec.UnsetType = msgspec.UNSET


class CreateClip(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST clips: of a live channel or of a recording; ms of media time from the start of the stream."""

    start_ms: Ms
    end_ms: Ms
    channel_id: Id | None = None
    vod_id: Id | None = None
    title: Title = ""


class PatchClip(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """PATCH clips/{id}: what is absent stays as it is."""

    title: Title | msgspec.UnsetType = msgspec.UNSET
    visibility: Visibility | msgspec.UnsetType = msgspec.UNSET


class ListClips(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET clips, newest first."""

    channel: Annotated[str, msgspec.Meta(max_length=40, pattern=LINE_PATTERN)] | msgspec.UnsetType = msgspec.UNSET
    vod: Id | msgspec.UnsetType = msgspec.UNSET
    cursor: Annotated[str, msgspec.Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT


class Keyed(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET channels/{channel}/playback, vods/{vod}, clips/{clip}: the key of a shared address, if any."""

    key: Annotated[str, msgspec.Meta(max_length=TOKEN_MAX)] | msgspec.UnsetType = msgspec.UNSET


class ListFollows(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The query of GET follows, newest first."""

    cursor: Annotated[str, msgspec.Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT


class CreateShare(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """POST channels/{id}/share, vods/{id}/share, clips/{id}/share: a signed address, which opens it for everybody."""

    expires_in_s: ShareS = 7 * 24 * 3600


# --- what the API answers ----------------------------------------------------------------------------------


class User(msgspec.Struct, frozen=True, rename="camel"):
    """An account as anyone may see it."""

    id: UserId
    username: str
    display_name: str
    avatar_url: str
    created_at: Timestamp


class OwnedChannel(msgspec.Struct, frozen=True, rename="camel"):
    """A channel of mine, as short as a menu wants it."""

    id: ChannelId
    name: str


class Me(msgspec.Struct, frozen=True, rename="camel"):
    """GET me: my account, as only I see it."""

    user: User
    is_admin: bool
    email: str | None
    channels: list[OwnedChannel]
    may_pull: bool = False
    """Whether my channels may be fetched from elsewhere; an administrator says so."""
    chat_color: str = ""
    """Of my name in chats; "" is one that is chosen for me."""


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """A sign-in. `token` is for `Authorization: Bearer`; browsers get it as the cookie `session`."""

    token: str
    user_id: UserId
    expires_at: Timestamp


class Registered(msgspec.Struct, frozen=True, rename="camel"):
    """A new account, signed in."""

    user: User
    token: str
    expires_at: Timestamp


class Channel(msgspec.Struct, frozen=True, rename="camel"):
    """A channel as anyone may see it. The stream key is never here."""

    id: ChannelId
    user_id: UserId
    name: str
    display_name: str
    title: str
    category_id: str
    language: str
    tags: list[str]
    mature: bool
    is_live: bool
    started_at: Timestamp | None
    viewer_count: int
    thumbnail_url: str
    created_at: Timestamp
    is_reconnecting: bool = False
    """Live, but its publisher is gone for the moment."""
    ladder: str | None = None
    """What its owner chose, or null."""
    visibility: Visibility = "public"
    vod_visibility: Visibility = "public"
    recording: bool = True
    keep_days: int | None = None
    keep_gb: int | None = None


class StreamStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Is it live, since when, for how many."""

    channel_id: ChannelId
    is_live: bool
    session_id: SessionId | None
    started_at: Timestamp | None
    viewer_count: int
    peak_viewers: int
    is_reconnecting: bool = False


class PublishUrls(msgspec.Struct, frozen=True, rename="camel"):
    """Where a publisher sends to; null where that listener is off."""

    rtmp: str | None
    rtmps: str | None
    srt: str | None
    whip: str | None


class StreamKeyInfo(msgspec.Struct, frozen=True, rename="camel"):
    """GET channels/{id}/stream-key: what can be said of a key that is stored hashed."""

    last_four: str | None
    created_at: Timestamp | None
    publish: PublishUrls
    srt_passphrase: str | None = None
    """What SRT publishers must encrypt with."""


class StreamKey(msgspec.Struct, frozen=True, rename="camel"):
    """POST channels/{id}/stream-key: the new key, shown this once."""

    stream_key: str


class PublishTicket(msgspec.Struct, frozen=True, rename="camel"):
    """POST channels/{id}/publish-ticket: goes in place of the stream key until then, from a page of its owner."""

    ticket: str
    expires_at: Timestamp


class GoneOffline(msgspec.Struct, frozen=True, rename="camel"):
    """POST channels/{id}/go-offline."""

    channel_id: ChannelId
    is_live: bool


class LastEnd(msgspec.Struct, frozen=True, rename="camel"):
    """Why the last stream ended, in words for its owner."""

    ended_at: Timestamp
    reason: str


class IngestState(msgspec.Struct, frozen=True, rename="camel"):
    """GET channels/{id}/ingest, for the owner: the running session, the last bandwidth test, the last end; or null."""

    session: SessionHealth | None
    test: SessionHealth | None = None
    last_end: LastEnd | None = None


WhyNot = Literal["followers", "subscribers", "private"]
"""What somebody lacks who may not watch: he does not follow, does not subscribe, has no signed address."""


class JobState(msgspec.Struct, frozen=True, rename="camel"):
    """How a pull or a restream is; `reason` is a sentence for its owner where it does not run.

    idle: nothing is to be done (off, or the channel is not live); waiting: it failed and is tried again at `retry_at`.
    """

    state: Literal["idle", "connecting", "running", "waiting"]
    reason: str = ""
    since: Timestamp | None = None
    retry_at: Timestamp | None = None
    bitrate_bps: int = 0
    sent_bytes: int = 0
    """Of a pull: that were received."""
    failures: int = 0
    """Since it last ran for a while."""


class Pull(msgspec.Struct, frozen=True, rename="camel"):
    """GET channels/{id}/pull: where the channel's stream is fetched from. `url` without passwords and queries."""

    channel_id: ChannelId
    url: str
    is_enabled: bool
    created_at: Timestamp
    state: JobState


class PullInfo(msgspec.Struct, frozen=True, rename="camel"):
    """`pull` is null without one; `may_pull`: whether this owner may set one."""

    pull: Pull | None
    may_pull: bool


class Restream(msgspec.Struct, frozen=True, rename="camel"):
    """Another server that the channel's source is sent to. `url` without key, passwords and queries."""

    id: str
    channel_id: ChannelId
    name: str
    url: str
    has_key: bool
    is_enabled: bool
    created_at: Timestamp
    state: JobState


class Playback(msgspec.Struct, frozen=True, rename="camel"):
    """GET channels/{channel}/playback?key=: where this caller watches it live. Addresses are null where he may not.

    `rewind_url` lists what can be rewound to, from `rewind_from` on. Addresses of what is not public hold a token and
    stop working at `expires_at`: ask again before. `key` is the token of a shared address.
    """

    visibility: Visibility
    why_not: WhyNot | None
    playlist_url: str | None
    rewind_url: str | None
    storyboard_url: str | None
    rewind_from: Timestamp | None
    expires_at: Timestamp | None
    vod_id: VodId | None
    """The recording that is being made, for those who may watch it."""
    whep_url: str | None = None
    """Where a browser gets it over WebRTC, with the lowest latency; null where that is off."""


class Chapter(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a recording that begins where the stream was interrupted."""

    start_ms: int
    title: str


class Vod(msgspec.Struct, frozen=True, rename="camel"):
    """A recording. It can be watched from its first seconds on: `state` is `recording` while it still grows.

    `playlist_url` and `download_url` are null where the caller may not watch (`why_not`); they hold a token where the
    recording is not public, until `expires_at`.
    """

    id: VodId
    channel_id: ChannelId
    channel_name: str
    channel_display_name: str
    session_id: SessionId
    title: str
    state: Literal["recording", "ready"]
    visibility: Visibility
    why_not: WhyNot | None
    started_at: Timestamp
    duration_ms: int
    size_bytes: int
    thumbnail_url: str
    storyboard_url: str | None
    playlist_url: str | None
    download_url: str | None
    expires_at: Timestamp | None
    chapters: list[Chapter]
    has_gaps: bool
    deletes_at: Timestamp | None
    """When its channel's rules will delete it, as far as their days say."""


class Clip(msgspec.Struct, frozen=True, rename="camel"):
    """A clip. It plays at once with the edges of its segments; `state` is `ready` once they are exact, or `rough` when
    that could not be done. `mp4_url` works in all states.
    """

    id: ClipId
    channel_id: ChannelId
    channel_name: str
    channel_display_name: str
    vod_id: VodId | None
    """The recording it is of, while that exists."""
    creator_id: UserId
    creator_name: str
    title: str
    state: Literal["cutting", "ready", "rough"]
    visibility: Visibility
    why_not: WhyNot | None
    start_ms: int
    duration_ms: int
    created_at: Timestamp
    thumbnail_url: str
    playlist_url: str | None
    mp4_url: str | None
    page_url: str
    expires_at: Timestamp | None
    has_gaps: bool


class Share(msgspec.Struct, frozen=True, rename="camel"):
    """A signed address: of the page, and of the playlist for players without a page."""

    page_url: str
    playlist_url: str
    expires_at: Timestamp


class Follow(msgspec.Struct, frozen=True, rename="camel"):
    """I follow a channel."""

    user_id: UserId
    channel_id: ChannelId
    channel_name: str
    channel_display_name: str
    followed_at: Timestamp


class MetadataAdded(msgspec.Struct, frozen=True, rename="camel"):
    """POST channels/{id}/metadata: the id that the players see."""

    id: str


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """GET healthz and readyz: `checks` names each dependency and what is wrong with it, or "ok"."""

    status: str
    version: str
    checks: dict[str, str]
