-- What proves that a message belongs to an issue, and who may be believed.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- The sender of the message that only named an id; NULL: a message with this id was seen, in or out.
ALTER TABLE message_index ADD COLUMN named_by text;

-- The conversation whose sender only named this message's id, and has no claim on the message.
ALTER TABLE incoming_mail ADD COLUMN claimed_by uuid;

-- By someone who takes no part in the issue; it stays so marked until a person accepts it.
ALTER TABLE comment
    ADD COLUMN outsider boolean NOT NULL DEFAULT false,
    ADD COLUMN accepted_at timestamptz;
