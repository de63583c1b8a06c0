-- People who are told once a day.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE person
    -- 'digest': once a day, at this hour of the person's time zone; '': at once.
    ADD COLUMN messages text NOT NULL DEFAULT '' CHECK (messages IN ('', 'at_once', 'digest')),
    ADD COLUMN digest_hour smallint NOT NULL DEFAULT 7 CHECK (digest_hour BETWEEN 0 AND 23);

ALTER TABLE pending_delivery
    -- It waits for the person's digest, and not for a bundle of its issue.
    ADD COLUMN digest boolean NOT NULL DEFAULT false;
