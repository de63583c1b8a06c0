-- Deaths are counted: a successor knows which messages its predecessor worked on when it died.

-- A row for each process, written before the work. Its session holds an advisory lock on the holder
-- for as long as the process lives.
CREATE TABLE in_flight (
    holder    uuid PRIMARY KEY,
    service   text NOT NULL,
    -- The mail_id of each message; for the sender its outgoing_id.
    work_ids  uuid[] NOT NULL,
    since     timestamptz NOT NULL
);

-- A row for each message that was in flight at a death, until it has its outcome. `alone`: no other
-- message was in flight.
CREATE TABLE death (
    service   text NOT NULL,
    work_id   uuid NOT NULL,
    holder    uuid NOT NULL,
    alone     boolean NOT NULL,
    died_at   timestamptz NOT NULL,
    PRIMARY KEY (service, work_id, holder)
);
CREATE INDEX death_holder ON death (holder);

-- How often the message has met a limit of PostgreSQL that other messages do not meet.
ALTER TABLE incoming_mail ADD COLUMN limit_tries integer NOT NULL DEFAULT 0;
