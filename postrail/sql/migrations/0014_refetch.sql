-- Messages that the fetcher is to publish to mail.fetched again: those whose record is lost, those
-- that a person retries, and those that their server did not deliver (parked).

CREATE TABLE refetch (
    mail_id          uuid PRIMARY KEY REFERENCES incoming_mail ON DELETE CASCADE,
    mailbox          text NOT NULL,
    -- Requests that are due at the same time are served in this order.
    sequence         bigint GENERATED ALWAYS AS IDENTITY,
    -- The message's revision at the request. A later one means that the request is fulfilled.
    revision         integer NOT NULL,
    requested_at     timestamptz NOT NULL,
    -- A person, or what proved that the record is lost.
    requested_by     text NOT NULL,
    reason           text NOT NULL,
    due_at           timestamptz NOT NULL,
    attempts         integer NOT NULL DEFAULT 0,
    -- The last attempt that failed, and why.
    tried_at         timestamptz,
    problem          text NOT NULL DEFAULT '',
    -- Neither Kafka nor the blob store nor the message's row has its bytes.
    only_in_mailbox  boolean NOT NULL DEFAULT false,
    -- Its account is disabled or removed; when it is enabled, the message is asked for at once.
    held             boolean NOT NULL DEFAULT false
);
CREATE INDEX refetch_due ON refetch (due_at, sequence) WHERE NOT held;

ALTER TABLE incoming_mail
    -- When it last went back to `fetched`. Its age without an outcome counts from then.
    ADD COLUMN refetched_at timestamptz;
CREATE INDEX incoming_mail_refetched ON incoming_mail (refetched_at)
    WHERE refetched_at IS NOT NULL;

-- What was parked before asks once more now.
INSERT INTO refetch (mail_id, mailbox, revision, requested_at, requested_by, reason, due_at,
    tried_at, problem, only_in_mailbox)
    SELECT mail_id, mailbox, revision, now(), 'migration 0014', 'parked by an earlier release', now(),
        handled_at, reason, true
    FROM incoming_mail
    WHERE state = 'failed' AND raw_offset IS NULL AND parsed IS NULL
        AND reason LIKE 'could not be fetched:%'
    ORDER BY fetched_at;
