-- What proves that a message belongs to an issue, and who may be believed.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- The sender of the message that first had or named an id; NULL: it is of ours, or of release 0.1.
-- An id that was not seen was only named.
ALTER TABLE message_index
    ADD COLUMN sender text,
    ADD COLUMN seen boolean NOT NULL DEFAULT true;

-- The conversation of somebody who had or named this message's id before, and has no claim on it.
ALTER TABLE incoming_mail ADD COLUMN claimed_by uuid;

-- By someone who takes no part in the issue; it stays so marked until a person accepts it.
ALTER TABLE comment
    ADD COLUMN outsider boolean NOT NULL DEFAULT false,
    ADD COLUMN accepted_at timestamptz;
