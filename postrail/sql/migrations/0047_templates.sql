-- Templates of messages; HTML, files and authors of outgoing messages.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

CREATE TABLE message_template (
    name      text PRIMARY KEY,
    event     text NOT NULL,
    -- NULL: of all projects.
    project   text,
    -- '': of all languages.
    language  text NOT NULL,
    subject   text NOT NULL,
    text      text NOT NULL,
    -- '': made from the text.
    html      text NOT NULL,
    enabled   boolean NOT NULL
);

ALTER TABLE outgoing_mail
    -- The words of `text`; NULL: the message is its text only.
    ADD COLUMN html text,
    -- A person wrote it: it is not marked as automatic.
    ADD COLUMN by_person boolean NOT NULL DEFAULT false,
    -- The person, for the From field; '': the help desk.
    ADD COLUMN author_name text NOT NULL DEFAULT '',
    ADD COLUMN message_event text NOT NULL DEFAULT '',
    -- The name of its template; '': a default one.
    ADD COLUMN template text NOT NULL DEFAULT '';

-- The files that outgoing messages carry, in the blob store.
CREATE TABLE outgoing_attachment (
    outgoing_id   uuid NOT NULL REFERENCES outgoing_mail ON DELETE CASCADE,
    place         integer NOT NULL,
    name          text NOT NULL,
    content_type  text NOT NULL,
    sha256        text NOT NULL,
    size          bigint NOT NULL,
    -- By which the HTML names it; '': it does not.
    content_id    text NOT NULL,
    inline        boolean NOT NULL,
    PRIMARY KEY (outgoing_id, place)
);

-- For the collector of blobs that nothing names.
CREATE INDEX outgoing_attachment_sha256 ON outgoing_attachment (sha256);
