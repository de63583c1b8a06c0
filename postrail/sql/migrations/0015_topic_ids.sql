-- Offsets belong to a topic by its id: a topic that is made anew has the same name, and other records.

ALTER TABLE intake_offset
    -- NULL: stored by an earlier release. Today's topic is adopted then.
    ADD COLUMN topic_id uuid,
    -- Of the record before next_offset.
    ADD COLUMN leader_epoch integer,
    ADD COLUMN timestamp_ms bigint,
    -- The offset that these two belong to. An earlier release moves next_offset alone.
    ADD COLUMN described_offset bigint;

-- The ids that each topic had, by its name without the prefix.
CREATE TABLE kafka_topic (
    topic          text NOT NULL,
    topic_id       uuid NOT NULL,
    first_seen_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, topic_id)
);

-- The topic that raw_partition and raw_offset belong to; NULL: written by an earlier release.
ALTER TABLE incoming_mail ADD COLUMN raw_topic_id uuid;

-- Messages whose records are proven to be lost, with the place where each was last found to be so.
CREATE TABLE lost_mail (
    mail_id        uuid PRIMARY KEY REFERENCES incoming_mail ON DELETE CASCADE,
    raw_topic_id   uuid,
    raw_partition  integer NOT NULL,
    raw_offset     bigint NOT NULL,
    times          integer NOT NULL DEFAULT 1,
    found_at       timestamptz NOT NULL
);
