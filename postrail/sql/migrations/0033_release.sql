-- Messages that were held are released by a person, and say so where they are shown.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- The last order to handle a message again: by whom, at what time (ISO 8601), as which mail handler
-- ("": as the account says), and what is not asked again. NULL: there was none.
ALTER TABLE incoming_mail
    ADD COLUMN release jsonb,
    -- The time of the first outcome, once the message has had another one.
    ADD COLUMN first_handled_at timestamptz;

-- A comment whose message had another outcome before has the time of the first one, and here the
-- later one at which it was added.
ALTER TABLE comment ADD COLUMN added_late_at timestamptz;

-- What the same message in several mailboxes becomes: one issue, or one of each mailbox.
ALTER TABLE mail_account ADD COLUMN fan_in text NOT NULL DEFAULT 'note';
