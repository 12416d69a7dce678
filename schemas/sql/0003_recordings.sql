-- What is in storage, recordings and clips over it, who may watch, and who follows and subscribes.

-- visibility of the live stream; vod_visibility of recordings made from now on. keep_days, keep_gb: NULL is what the
-- instance does, 0 is for ever.
ALTER TABLE channels
    ADD COLUMN visibility text NOT NULL DEFAULT 'public'
        CHECK (visibility IN ('public', 'followers', 'subscribers', 'private')),
    ADD COLUMN vod_visibility text NOT NULL DEFAULT 'public'
        CHECK (vod_visibility IN ('public', 'followers', 'subscribers', 'private')),
    ADD COLUMN recording boolean NOT NULL DEFAULT true,
    ADD COLUMN keep_days integer CHECK (keep_days >= 0),
    ADD COLUMN keep_gb integer CHECK (keep_gb >= 0);

-- object_prefix: set by the first event of its storage. index_name: set by the last one. stored_at: everything of it is
-- in storage and in these tables. released_at: no recording and no viewer has it any more, clips may hold parts.
-- sweep_at: when to look next for what of it nothing holds; NULL is never.
ALTER TABLE streams
    ADD COLUMN is_recorded boolean NOT NULL DEFAULT false,
    ADD COLUMN object_prefix text,
    ADD COLUMN target_duration_s integer,
    ADD COLUMN media_s double precision,
    ADD COLUMN index_name text,
    ADD COLUMN stored_at timestamptz,
    ADD COLUMN released_at timestamptz,
    ADD COLUMN sweep_at timestamptz;
CREATE INDEX streams_sweep ON streams (sweep_at) WHERE sweep_at IS NOT NULL;
CREATE INDEX streams_unstored ON streams (ended_at) WHERE index_name IS NOT NULL AND stored_at IS NULL;

-- Initialization sections, and with them what each rendition is from that number on.
CREATE TABLE inits (
    session_id  text NOT NULL REFERENCES streams,
    rendition   text NOT NULL,
    number      integer NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('video', 'audio')),
    codec       text NOT NULL,
    size        bigint NOT NULL,
    width       integer NOT NULL DEFAULT 0,
    height      integer NOT NULL DEFAULT 0,
    frame_rate  double precision NOT NULL DEFAULT 0,
    sample_rate integer NOT NULL DEFAULT 0,
    channels    integer NOT NULL DEFAULT 0,
    PRIMARY KEY (session_id, rendition, number)
);

CREATE TABLE segments (
    session_id       text NOT NULL REFERENCES streams,
    rendition        text NOT NULL,
    msn              integer NOT NULL,
    map_number       integer NOT NULL,
    start_s          double precision NOT NULL,
    duration_s       double precision NOT NULL,
    program_ms       bigint NOT NULL,
    size             bigint NOT NULL,
    sha256           bytea,
    still_bytes      integer NOT NULL DEFAULT 0,
    is_discontinuous boolean NOT NULL DEFAULT false,
    is_gap           boolean NOT NULL DEFAULT false,
    stored_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, rendition, msn)
);
CREATE INDEX segments_breaks ON segments (session_id, rendition, msn) WHERE is_discontinuous OR is_gap;

-- Pictures and captions: the newest of each kind and number.
CREATE TABLE stream_files (
    session_id text NOT NULL REFERENCES streams,
    kind       text NOT NULL CHECK (kind IN ('thumbnail', 'sheet', 'storyboard', 'captions')),
    number     integer NOT NULL,
    name       text NOT NULL,
    size       bigint NOT NULL,
    language   text NOT NULL DEFAULT '',
    PRIMARY KEY (session_id, kind, number)
);

CREATE TABLE cues (
    session_id text NOT NULL REFERENCES streams,
    cue_id     text NOT NULL,
    class_name text NOT NULL,
    start_s    double precision NOT NULL,
    duration_s double precision,
    program_ms bigint NOT NULL,
    fields     jsonb NOT NULL,
    PRIMARY KEY (session_id, cue_id)
);

-- One recording for each recorded session. A deleted one stays as a row until its objects are gone.
CREATE TABLE vods (
    id          text PRIMARY KEY,
    session_id  text NOT NULL UNIQUE REFERENCES streams,
    channel_id  text NOT NULL REFERENCES channels,
    title       text NOT NULL DEFAULT '',
    visibility  text NOT NULL CHECK (visibility IN ('public', 'followers', 'subscribers', 'private')),
    started_at  timestamptz NOT NULL,
    ready_at    timestamptz,
    duration_s  double precision NOT NULL DEFAULT 0,
    size_bytes  bigint NOT NULL DEFAULT 0,
    deleted_at  timestamptz
);
CREATE INDEX vods_channel ON vods (channel_id, id DESC) WHERE deleted_at IS NULL;

-- A clip holds the segments first_msn to last_msn of every rendition of its session; `made` is the edges that were
-- coded for it (schemas.storage.ClipMade), NULL until then.
CREATE TABLE clips (
    id          text PRIMARY KEY,
    channel_id  text NOT NULL REFERENCES channels,
    session_id  text NOT NULL REFERENCES streams,
    creator_id  text NOT NULL REFERENCES users ON DELETE CASCADE,
    title       text NOT NULL,
    visibility  text NOT NULL CHECK (visibility IN ('public', 'followers', 'subscribers', 'private')),
    start_s     double precision NOT NULL,
    end_s       double precision NOT NULL CHECK (end_s > start_s),
    first_msn   integer NOT NULL,
    last_msn    integer NOT NULL CHECK (last_msn >= first_msn),
    made        jsonb,
    failure     text,
    asked_at    timestamptz, -- when storage was asked last to make it
    attempts    integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);
CREATE INDEX clips_channel ON clips (channel_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX clips_session ON clips (session_id, first_msn, last_msn) WHERE deleted_at IS NULL;

-- Objects that nothing refers to any more, until storage says that they are gone.
CREATE TABLE deletions (
    key        text PRIMARY KEY,
    size       bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    asked_at   timestamptz
);

-- Keys that sign access tokens; retired ones still verify until retired_at.
CREATE TABLE access_keys (
    id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{4,16}$'),
    key        bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retires_at timestamptz
);

CREATE TABLE follows (
    user_id     text NOT NULL REFERENCES users ON DELETE CASCADE,
    channel_id  text NOT NULL REFERENCES channels ON DELETE CASCADE,
    followed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, channel_id)
);
CREATE INDEX follows_channel ON follows (channel_id);

CREATE TABLE subscriptions (
    id         text PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    channel_id text NOT NULL REFERENCES channels ON DELETE CASCADE,
    tier       integer NOT NULL CHECK (tier IN (1, 2, 3)),
    started_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    is_gift    boolean NOT NULL DEFAULT false
);
CREATE INDEX subscriptions_user ON subscriptions (user_id, channel_id, expires_at);
