-- A passphrase for SRT, streams fetched from elsewhere, and targets that sources are sent on to.

-- Sealed with a key made of TALLY_SECRET; NULL is none.
ALTER TABLE channels ADD COLUMN srt_passphrase text;

-- An administrator may let an account have its channels fetched from elsewhere.
ALTER TABLE users ADD COLUMN may_pull boolean NOT NULL DEFAULT false;

-- url is sealed, shown_url is what may be seen of it. key_hash: of the ticket with which the relay publishes.
-- node_id, seen_at: the relay process that has the job. is_trusted: an administrator set it up.
CREATE TABLE pulls (
    id         text PRIMARY KEY,
    channel_id text NOT NULL UNIQUE REFERENCES channels ON DELETE CASCADE,
    url        text NOT NULL,
    shown_url  text NOT NULL,
    key_hash   bytea NOT NULL UNIQUE,
    is_enabled boolean NOT NULL DEFAULT true,
    is_trusted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    node_id    text,
    seen_at    timestamptz
);

-- url, stream_key and target are sealed. target: url and stream_key as one address, which the relay is told; it is
-- kept, because sealing it again would look like another one.
CREATE TABLE restreams (
    id         text PRIMARY KEY,
    channel_id text NOT NULL REFERENCES channels ON DELETE CASCADE,
    name       text NOT NULL,
    url        text NOT NULL,
    stream_key text NOT NULL DEFAULT '', -- '' is none
    target     text NOT NULL,
    shown_url  text NOT NULL,
    is_enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    node_id    text,
    seen_at    timestamptz
);
CREATE INDEX restreams_channel ON restreams (channel_id);
