-- Comparisons of what mailboxes hold with what was read of them: asked for, under way, done.

CREATE TABLE reconciliation (
    reconciliation_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailbox            text NOT NULL,
    -- Backfill: mail that the server took in since that day, older than the account wants.
    since              date,
    requested_at       timestamptz NOT NULL,
    requested_by       text NOT NULL,
    finished_at        timestamptz,
    -- Mails that the mailbox held, those of them that no row told of, those that were fetched then.
    held               bigint NOT NULL DEFAULT 0,
    unaccounted        bigint NOT NULL DEFAULT 0,
    fetched            bigint NOT NULL DEFAULT 0
);
CREATE INDEX reconciliation_open ON reconciliation (mailbox, reconciliation_id)
    WHERE finished_at IS NULL;
CREATE INDEX reconciliation_finished ON reconciliation (mailbox, finished_at DESC)
    WHERE finished_at IS NOT NULL;
