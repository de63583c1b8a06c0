-- Who released what was held, and dead addresses that the mail server refused in our own dialogue.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- Of a delivery that was held; "": of no other.
ALTER TABLE delivery ADD COLUMN released_by text NOT NULL DEFAULT '';

-- NULL: no message reported it, but the mail server's reply to our own attempt.
ALTER TABLE delivery_report ALTER COLUMN mail_id DROP NOT NULL;
ALTER TABLE suppression ALTER COLUMN mail_id DROP NOT NULL;
