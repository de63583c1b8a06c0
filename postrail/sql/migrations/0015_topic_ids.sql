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

-- Messages that the parser and the handler passed without taking them in, and how often.
CREATE TABLE lost_mail (
    mail_id   uuid PRIMARY KEY REFERENCES incoming_mail ON DELETE CASCADE,
    times     integer NOT NULL DEFAULT 1,
    found_at  timestamptz NOT NULL
);
