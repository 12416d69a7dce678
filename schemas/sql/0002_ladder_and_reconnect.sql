-- A ladder and limits for each channel, and sessions that wait for their publisher.

-- NULL: what the instance does. 0 is no limit.
ALTER TABLE channels
    ADD COLUMN ladder text,
    ADD COLUMN max_bitrate_kbps integer CHECK (max_bitrate_kbps >= 0),
    ADD COLUMN max_height integer CHECK (max_height >= 0),
    ADD COLUMN max_frame_rate integer CHECK (max_frame_rate >= 0),
    ADD COLUMN max_duration_s integer CHECK (max_duration_s >= 0);

-- interrupted_at: its publisher is gone and may return; NULL while one publishes. priority: of that publisher.
ALTER TABLE streams
    ADD COLUMN interrupted_at timestamptz,
    ADD COLUMN priority integer NOT NULL DEFAULT 0;
