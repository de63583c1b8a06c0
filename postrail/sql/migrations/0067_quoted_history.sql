-- Whether a project's notifications of comments quote the comments before.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE project
    ADD COLUMN quote_history boolean NOT NULL DEFAULT false;

-- The comment records a message that a person sent from the issue: nobody else was sent it.
ALTER TABLE comment
    ADD COLUMN letter boolean NOT NULL DEFAULT false;
