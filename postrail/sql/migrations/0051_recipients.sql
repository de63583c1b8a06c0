-- Who is told of events, by project and by context.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- Lists of roles, groups and addresses by event; an event that is left out is told as by default.
ALTER TABLE project ADD COLUMN recipients jsonb NOT NULL DEFAULT '{}';
ALTER TABLE message_context ADD COLUMN recipients jsonb NOT NULL DEFAULT '{}';
