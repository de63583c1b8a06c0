-- Contexts of outgoing messages, and the context that a message was made in.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

CREATE TABLE message_context (
    name          text PRIMARY KEY,
    description   text NOT NULL,
    enabled       boolean NOT NULL,
    place         integer NOT NULL,
    -- A query for issues; '': every issue.
    scope         text NOT NULL,
    -- '': the project's.
    connection    text NOT NULL,
    from_address  text NOT NULL,
    from_name     text NOT NULL,
    -- Names of templates by event.
    templates     jsonb NOT NULL
);

-- The name of its context, which says over which connection it goes; '': none.
ALTER TABLE outgoing_mail ADD COLUMN context text NOT NULL DEFAULT '';
