-- Chat: what was said, who may say it, and what moderators did.

-- '' is a colour that follows from the id. A bot belongs to the account that made it and has no password.
ALTER TABLE users
    ADD COLUMN chat_color text NOT NULL DEFAULT '' CHECK (chat_color ~ '^(#[0-9A-F]{6})?$'),
    ADD COLUMN bot_owner_id text REFERENCES users ON DELETE CASCADE;
CREATE INDEX users_bot_owner ON users (bot_owner_id) WHERE bot_owner_id IS NOT NULL;

-- Tokens for programs. Only the hash is kept; scopes say what they open.
CREATE TABLE access_tokens (
    id           text PRIMARY KEY,
    token_hash   bytea NOT NULL UNIQUE,
    user_id      text NOT NULL REFERENCES users ON DELETE CASCADE,
    name         text NOT NULL,
    scopes       text[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    expires_at   timestamptz
);
CREATE INDEX access_tokens_user ON access_tokens (user_id);

-- The modes of a channel; a channel without a row has the defaults. Terms are as moderators typed them.
CREATE TABLE chat_settings (
    channel_id          text PRIMARY KEY REFERENCES channels ON DELETE CASCADE,
    slow_mode           integer NOT NULL DEFAULT 0 CHECK (slow_mode BETWEEN 0 AND 3600),
    subscriber_only     boolean NOT NULL DEFAULT false,
    follower_only       boolean NOT NULL DEFAULT false,
    follower_minutes    integer NOT NULL DEFAULT 0 CHECK (follower_minutes BETWEEN 0 AND 129600),
    emote_only          boolean NOT NULL DEFAULT false,
    unique_chat         boolean NOT NULL DEFAULT false,
    account_age_minutes integer NOT NULL DEFAULT 0 CHECK (account_age_minutes >= 0),
    links_allowed       boolean NOT NULL DEFAULT true,
    hold_links          boolean NOT NULL DEFAULT false,
    hold_first          boolean NOT NULL DEFAULT false,
    blocked_terms       text[] NOT NULL DEFAULT '{}',
    held_terms          text[] NOT NULL DEFAULT '{}',
    version             bigint NOT NULL DEFAULT 1 -- counts changes
);

-- Where a channel's log was last written down. seq: no lower number may be given again, whatever happens to Redis.
-- cleared_seq: everything up to it was taken away. pinned: schemas.chat.Pinned.
CREATE TABLE chat_rooms (
    channel_id  text PRIMARY KEY REFERENCES channels ON DELETE CASCADE,
    seq         bigint NOT NULL DEFAULT 0,
    epoch       text NOT NULL DEFAULT '',
    cleared_seq bigint NOT NULL DEFAULT 0,
    pinned      jsonb
);

-- What was said. message: schemas.chat.Authored, to which seq, epoch and at are added. at: when the log took it, which
-- a repeated delivery repeats. picture_at: the moment of the stream on its author's screen. Partitions are made ahead
-- by chat/keeping; the default one takes what falls outside all.
CREATE TABLE chat_messages (
    channel_id text NOT NULL,
    seq        bigint NOT NULL,
    at         timestamptz NOT NULL,
    epoch      text NOT NULL,
    id         text NOT NULL,
    user_id    text NOT NULL,
    kind       text NOT NULL DEFAULT 'message' CHECK (kind IN ('message', 'announcement')),
    color      text NOT NULL DEFAULT '', -- of an announcement
    picture_at timestamptz NOT NULL,
    message    jsonb NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (channel_id, seq, at)
) PARTITION BY RANGE (at);
CREATE INDEX chat_messages_user ON chat_messages (channel_id, user_id, seq DESC);
CREATE INDEX chat_messages_picture ON chat_messages (channel_id, picture_at, seq) WHERE deleted_at IS NULL;
CREATE INDEX chat_messages_id ON chat_messages (id);
CREATE INDEX chat_messages_thread ON chat_messages ((message -> 'replyTo' ->> 'threadId'), seq) WHERE message ? 'replyTo';
CREATE TABLE chat_messages_default PARTITION OF chat_messages DEFAULT;

-- When everything was taken away: what a replay of that time leaves out.
CREATE TABLE chat_clears (
    channel_id text NOT NULL REFERENCES channels ON DELETE CASCADE,
    seq        bigint NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (channel_id, seq)
);

-- Who has ever said something in a channel.
CREATE TABLE chat_chatters (
    channel_id text NOT NULL REFERENCES channels ON DELETE CASCADE,
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    messages   bigint NOT NULL DEFAULT 0,
    last_seq   bigint NOT NULL DEFAULT 0, -- counted up to here, so that a repeated delivery counts nothing twice
    PRIMARY KEY (channel_id, user_id)
);

CREATE TABLE chat_roles (
    channel_id text NOT NULL REFERENCES channels ON DELETE CASCADE,
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    role       text NOT NULL CHECK (role IN ('moderator', 'vip')),
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX chat_roles_user ON chat_roles (user_id);

-- until: of a timeout; NULL is for ever. source_channel_id: came with that channel's shared list.
CREATE TABLE chat_bans (
    channel_id        text NOT NULL REFERENCES channels ON DELETE CASCADE,
    user_id           text NOT NULL REFERENCES users ON DELETE CASCADE,
    until             timestamptz,
    reason            text NOT NULL DEFAULT '',
    by_user_id        text REFERENCES users ON DELETE SET NULL,
    source_channel_id text REFERENCES channels ON DELETE CASCADE,
    created_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX chat_bans_user ON chat_bans (user_id);

-- from_channel's bans hold in to_channel too, once that has accepted.
CREATE TABLE chat_ban_shares (
    from_channel_id text NOT NULL REFERENCES channels ON DELETE CASCADE,
    to_channel_id   text NOT NULL REFERENCES channels ON DELETE CASCADE CHECK (to_channel_id <> from_channel_id),
    offered_at      timestamptz NOT NULL DEFAULT now(),
    accepted_at     timestamptz,
    PRIMARY KEY (from_channel_id, to_channel_id)
);
CREATE INDEX chat_ban_shares_to ON chat_ban_shares (to_channel_id);

-- Every act of a moderator. events: what the log is still to be told, in order (chat.log.log.Act as JSON); NULL once
-- it has it. So an act that the database has holds, whatever dies between the two.
CREATE TABLE chat_acts (
    id             text PRIMARY KEY,
    channel_id     text NOT NULL REFERENCES channels ON DELETE CASCADE,
    actor_id       text REFERENCES users ON DELETE SET NULL,
    action         text NOT NULL,
    target_id      text REFERENCES users ON DELETE SET NULL,
    message_id     text,
    details        jsonb NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL DEFAULT now(),
    events         jsonb,
    -- Counts in the order of the commits of one channel, because acts are written under its lock: the order to tell in.
    place          bigint GENERATED ALWAYS AS IDENTITY,
    -- What the actor called the request: the same again soon is not done again, but answered with the same notice.
    request        text,
    notice         text NOT NULL DEFAULT ''
);
CREATE INDEX chat_acts_channel ON chat_acts (channel_id, place DESC);
CREATE INDEX chat_acts_target ON chat_acts (channel_id, target_id, place DESC);
CREATE INDEX chat_acts_message ON chat_acts (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX chat_acts_untold ON chat_acts (channel_id, place) WHERE events IS NOT NULL;
CREATE INDEX chat_acts_request ON chat_acts (channel_id, actor_id, request) WHERE request IS NOT NULL;

-- Messages that wait for a moderator. message: schemas.chat.Authored. key: the author's idempotency key.
CREATE TABLE chat_held (
    id         text PRIMARY KEY,
    channel_id text NOT NULL REFERENCES channels ON DELETE CASCADE,
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    key        text NOT NULL,
    message    jsonb NOT NULL,
    reason     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'denied')),
    decided_by text REFERENCES users ON DELETE SET NULL,
    decided_at timestamptz,
    UNIQUE (channel_id, user_id, key)
);
CREATE INDEX chat_held_waiting ON chat_held (channel_id, id) WHERE state = 'waiting';

CREATE TABLE chat_reports (
    id          text PRIMARY KEY,
    channel_id  text NOT NULL REFERENCES channels ON DELETE CASCADE,
    reporter_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    user_id     text NOT NULL REFERENCES users ON DELETE CASCADE,
    message_id  text,
    message     jsonb, -- schemas.chat.ChatMessage, as it was
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    outcome     text CHECK (outcome IN ('acted', 'dismissed')),
    decided_by  text REFERENCES users ON DELETE SET NULL,
    decided_at  timestamptz
);
CREATE INDEX chat_reports_channel ON chat_reports (channel_id, id DESC);
CREATE INDEX chat_reports_open ON chat_reports (channel_id, id) WHERE outcome IS NULL;
CREATE UNIQUE INDEX chat_reports_once ON chat_reports (reporter_id, message_id) WHERE message_id IS NOT NULL;

-- channel_id NULL: everywhere. tier: what one must subscribe to, 0 is everybody. Pictures are WebP, still or moving.
CREATE TABLE emotes (
    id          text PRIMARY KEY,
    channel_id  text REFERENCES channels ON DELETE CASCADE,
    name        text NOT NULL CHECK (name ~ '^[A-Za-z0-9_]{2,32}$'),
    tier        integer NOT NULL DEFAULT 0 CHECK (tier BETWEEN 0 AND 3),
    is_animated boolean NOT NULL DEFAULT false,
    created_by  text REFERENCES users ON DELETE SET NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz -- stays for the messages that show it
);
CREATE UNIQUE INDEX emotes_name ON emotes (coalesce(channel_id, ''), name) WHERE deleted_at IS NULL;
CREATE INDEX emotes_channel ON emotes (channel_id) WHERE deleted_at IS NULL;

CREATE TABLE emote_pictures (
    emote_id text NOT NULL REFERENCES emotes ON DELETE CASCADE,
    scale    integer NOT NULL CHECK (scale IN (1, 2, 4)), -- of 28 pixels
    width    integer NOT NULL,
    height   integer NOT NULL,
    content  bytea NOT NULL,
    PRIMARY KEY (emote_id, scale)
);

-- Who watched in an hour of a stream; unique_viewers is an estimate of 1 %.
CREATE TABLE stream_hours (
    session_id     text NOT NULL REFERENCES streams ON DELETE CASCADE,
    hour           timestamptz NOT NULL,
    unique_viewers integer NOT NULL DEFAULT 0,
    peak_viewers   integer NOT NULL DEFAULT 0,
    peak_chatters  integer NOT NULL DEFAULT 0,
    messages       integer NOT NULL DEFAULT 0,
    PRIMARY KEY (session_id, hour)
);
ALTER TABLE streams ADD COLUMN unique_viewers integer NOT NULL DEFAULT 0;
