-- Accounts, channels, stream keys and streams.

CREATE TABLE users (
    id            text PRIMARY KEY,
    username      text NOT NULL UNIQUE CHECK (username ~ '^[a-z0-9_]{3,25}$'),
    display_name  text NOT NULL,
    email         text,
    password_hash text NOT NULL,
    is_admin      boolean NOT NULL DEFAULT false,
    max_channels  integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE email IS NOT NULL;

-- Sign-ins. The token itself is never stored.
CREATE TABLE user_sessions (
    token_hash bytea PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    user_agent text NOT NULL DEFAULT ''
);
CREATE INDEX user_sessions_user ON user_sessions (user_id);
CREATE INDEX user_sessions_expiry ON user_sessions (expires_at);

CREATE TABLE channels (
    id          text PRIMARY KEY,
    user_id     text NOT NULL REFERENCES users ON DELETE CASCADE,
    name        text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9_]{3,25}$'),
    title       text NOT NULL DEFAULT '',
    category_id text NOT NULL DEFAULT '',
    language    text NOT NULL DEFAULT '',
    tags        text[] NOT NULL DEFAULT '{}',
    mature      boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX channels_user ON channels (user_id);

-- A key is 160 bits of chance, so one round of SHA-256 hides it as well as any slow hash would.
CREATE TABLE stream_keys (
    key_hash   bytea PRIMARY KEY,
    channel_id text NOT NULL REFERENCES channels ON DELETE CASCADE,
    last_four  text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE UNIQUE INDEX stream_keys_one_valid ON stream_keys (channel_id) WHERE revoked_at IS NULL;

-- One row for each session. live_at: the first part could be played. A channel is live when it has a row with
-- live_at set and ended_at not. A row that ended with the reason 'lost' comes back when its node reports it again.
CREATE TABLE streams (
    id            text PRIMARY KEY,
    channel_id    text NOT NULL REFERENCES channels ON DELETE CASCADE,
    key_hash      bytea NOT NULL,
    node_id       text NOT NULL,
    protocol      text NOT NULL,
    encoder       text NOT NULL DEFAULT '',
    title         text NOT NULL DEFAULT '',
    request_id    text NOT NULL, -- of the publish callback: a repeated question gets the same answer
    started_at    timestamptz NOT NULL DEFAULT now(),
    live_at       timestamptz,
    seen_at       timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz,
    end_reason    text,
    viewer_count  integer NOT NULL DEFAULT 0,
    peak_viewers  integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX streams_one_open ON streams (channel_id) WHERE ended_at IS NULL;
CREATE INDEX streams_channel ON streams (channel_id, started_at DESC);
CREATE INDEX streams_node ON streams (node_id) WHERE ended_at IS NULL;
