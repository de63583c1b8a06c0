-- The built-in tracker as a team uses it: people, projects, fields, history, full text.
--
-- Each statement changes the catalogue or a small table only: new columns have constant defaults,
-- and constraints on filled tables are validated by the next migration, without their locks.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';
-- In the order in which transactions of services use them, against deadlocks.
LOCK TABLE person, project, issue_type, issue_index, issue_alias, issue, comment, attachment, issue_link
    IN ACCESS EXCLUSIVE MODE;

-- People: any of the addresses is the person; `address` is the one that mail goes to.

ALTER TABLE person RENAME COLUMN enabled TO active;
ALTER TABLE person
    ADD COLUMN person_id  bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN language   text NOT NULL DEFAULT '',
    ADD COLUMN time_zone  text NOT NULL DEFAULT '',
    -- Where the person is from: a file that was applied, a command or page, or a message.
    ADD COLUMN origin     text NOT NULL DEFAULT 'configuration'
        CHECK (origin IN ('configuration', 'hand', 'mail')),
    ADD COLUMN origin_mail_id uuid,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();

CREATE TABLE person_address (
    address    text PRIMARY KEY CHECK (address = lower(address)),
    person_id  bigint NOT NULL REFERENCES person (person_id) ON DELETE CASCADE,
    UNIQUE (address, person_id)
);
CREATE INDEX person_address_person ON person_address (person_id);
INSERT INTO person_address (address, person_id) SELECT address, person_id FROM person;
ALTER TABLE person ADD CONSTRAINT person_address_is_own
    FOREIGN KEY (address, person_id) REFERENCES person_address (address, person_id)
    DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE group_member (
    group_name  text NOT NULL,
    person_id   bigint NOT NULL REFERENCES person (person_id) ON DELETE CASCADE,
    PRIMARY KEY (group_name, person_id)
);
CREATE INDEX group_member_person ON group_member (person_id);

-- Priorities: five levels, 1 is the most urgent; their names hold for the whole installation.

CREATE TABLE priority (
    level  smallint PRIMARY KEY CHECK (level BETWEEN 1 AND 5),
    name   text NOT NULL,
    -- Checked at the commit, so that two levels may exchange their names.
    EXCLUDE USING btree (lower(name) WITH =) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO priority (level, name)
    VALUES (1, 'Highest'), (2, 'High'), (3, 'Medium'), (4, 'Low'), (5, 'Lowest');

-- Projects.

ALTER TABLE project
    ADD COLUMN description       text NOT NULL DEFAULT '',
    -- The language of its texts, for full-text search and notifications.
    ADD COLUMN language          text NOT NULL DEFAULT 'en',
    -- Addresses of persons; blank: none. `default_assignee` may also be the word lead.
    ADD COLUMN lead              text NOT NULL DEFAULT '',
    ADD COLUMN default_assignee  text NOT NULL DEFAULT '',
    -- The address whose messages in a shared mailbox belong to the project.
    ADD COLUMN address           text CHECK (address = lower(address)),
    ADD UNIQUE (address) DEFERRABLE INITIALLY DEFERRED,
    -- The role of a person that a person configured and that no list of the project names.
    ADD COLUMN known_people      text NOT NULL DEFAULT 'agent'
        CHECK (known_people IN ('outsider', 'agent'));

-- The number by which Jira's handlers name a type, such as issuetype=1.
ALTER TABLE issue_type
    ADD COLUMN number  integer,
    ADD COLUMN place   integer NOT NULL DEFAULT 0,
    ADD UNIQUE (project_key, number) DEFERRABLE INITIALLY DEFERRED;
UPDATE issue_type SET number = known.number
    FROM (VALUES ('Bug', 1), ('New Feature', 2), ('Task', 3), ('Improvement', 4), ('Sub-task', 5))
        AS known (name, number)
    WHERE known.name = issue_type.name;

CREATE TABLE project_status (
    project_key     text NOT NULL REFERENCES project ON DELETE CASCADE,
    name            text NOT NULL,
    -- The first one is the status of new issues.
    place           integer NOT NULL,
    category        text NOT NULL CHECK (category IN ('to do', 'in progress', 'done')),
    needs_approval  boolean NOT NULL DEFAULT false,
    -- The statuses that may follow; NULL: any.
    next_statuses   text[],
    PRIMARY KEY (project_key, name)
);
INSERT INTO project_status (project_key, name, place, category)
    SELECT project_key, status.name, status.place, status.category
    FROM project, (VALUES ('Open', 1, 'to do'), ('In Progress', 2, 'in progress'), ('Done', 3, 'done'))
        AS status (name, place, category);

CREATE TABLE component (
    project_key  text NOT NULL REFERENCES project ON DELETE CASCADE,
    name         text NOT NULL,
    place        integer NOT NULL,
    PRIMARY KEY (project_key, name)
);

CREATE TABLE custom_field (
    project_key  text NOT NULL REFERENCES project ON DELETE CASCADE,
    name         text NOT NULL,
    kind         text NOT NULL
        CHECK (kind IN ('text', 'number', 'date', 'choice', 'choices', 'person')),
    choices      text[] NOT NULL DEFAULT '{}',
    place        integer NOT NULL,
    PRIMARY KEY (project_key, name)
);

CREATE TABLE project_role (
    project_key  text NOT NULL REFERENCES project ON DELETE CASCADE,
    role         text NOT NULL CHECK (role IN ('outsider', 'agent', 'lead', 'administrator')),
    -- The address of a person, or group:NAME.
    member       text NOT NULL,
    place        integer NOT NULL,
    PRIMARY KEY (project_key, role, member)
);

-- Issues. Until now every issue was 'open', as nothing could change it.

ALTER TABLE issue DROP COLUMN status;
ALTER TABLE issue
    ADD COLUMN status       text NOT NULL DEFAULT 'Open',
    -- Set exactly while the status is of the category done.
    ADD COLUMN resolution   text,
    ADD COLUMN resolved_at  timestamptz,
    ADD COLUMN priority     smallint NOT NULL DEFAULT 3,
    ADD COLUMN assignee     text,
    ADD COLUMN labels       text[] NOT NULL DEFAULT '{}',
    ADD COLUMN components   text[] NOT NULL DEFAULT '{}',
    ADD COLUMN due_on       date,
    -- The issue that has taken over its comments, files and people. This one is a record only.
    ADD COLUMN merged_into  text;
ALTER TABLE issue
    ADD CONSTRAINT issue_resolution_and_time
        CHECK ((resolution IS NULL) = (resolved_at IS NULL)) NOT VALID,
    ADD CONSTRAINT issue_merged_into_another CHECK (merged_into <> issue_key) NOT VALID,
    ADD CONSTRAINT issue_priority FOREIGN KEY (priority) REFERENCES priority NOT VALID,
    ADD CONSTRAINT issue_assignee FOREIGN KEY (assignee) REFERENCES person_address NOT VALID,
    ADD CONSTRAINT issue_merged_into FOREIGN KEY (merged_into) REFERENCES issue
        ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT issue_status FOREIGN KEY (project_key, status)
        REFERENCES project_status ON UPDATE CASCADE NOT VALID,
    -- Only for what is written from now on: types of existing issues may have been removed.
    ADD CONSTRAINT issue_type_of_project FOREIGN KEY (project_key, issue_type)
        REFERENCES issue_type ON UPDATE CASCADE NOT VALID;

-- A move changes the key of an issue: what refers to it follows.

ALTER TABLE comment
    ADD COLUMN internal   boolean NOT NULL DEFAULT false,
    ADD COLUMN edited_at  timestamptz,
    -- The act by hand that made it; NULL for a comment by a message.
    ADD COLUMN act_id     uuid;
ALTER TABLE comment DROP CONSTRAINT comment_issue_key_fkey,
    ADD CONSTRAINT comment_issue_key_fkey FOREIGN KEY (issue_key) REFERENCES issue
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE attachment
    -- The Content-ID by which a text shows the file in its place, without angle brackets.
    ADD COLUMN content_id     text,
    -- The name before characters were replaced that no file name may have; NULL: the same.
    ADD COLUMN original_name  text;
ALTER TABLE attachment DROP CONSTRAINT attachment_issue_key_fkey,
    ADD CONSTRAINT attachment_issue_key_fkey FOREIGN KEY (issue_key) REFERENCES issue
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
ALTER TABLE issue_link
    DROP CONSTRAINT issue_link_issue_key_fkey, DROP CONSTRAINT issue_link_linked_key_fkey,
    DROP CONSTRAINT issue_link_pkey,
    ADD PRIMARY KEY (issue_key, linked_key, kind),
    ADD CHECK (issue_key <> linked_key) NOT VALID,
    ADD CHECK (kind IN ('relates to', 'duplicates', 'blocks')) NOT VALID,
    ADD CONSTRAINT issue_link_issue_key_fkey FOREIGN KEY (issue_key) REFERENCES issue
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID,
    ADD CONSTRAINT issue_link_linked_key_fkey FOREIGN KEY (linked_key) REFERENCES issue
        ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
CREATE INDEX issue_link_linked ON issue_link (linked_key);

-- A message about an internal comment: the comments that answer it are internal, too.
ALTER TABLE outgoing_mail ADD COLUMN internal boolean NOT NULL DEFAULT false;

CREATE TABLE comment_edit (
    comment_id      bigint NOT NULL REFERENCES comment ON DELETE CASCADE,
    act_id          uuid NOT NULL,
    edited_at       timestamptz NOT NULL,
    editor_address  text NOT NULL,
    editor_name     text NOT NULL DEFAULT '',
    -- The text before the edit, or its blob.
    body            text NOT NULL,
    body_blob       text,
    internal        boolean NOT NULL,
    PRIMARY KEY (comment_id, act_id)
);
CREATE INDEX comment_edit_blob ON comment_edit (body_blob) WHERE body_blob IS NOT NULL;

-- The values of custom fields; of several choices one row each.
CREATE TABLE custom_value (
    issue_key     text NOT NULL REFERENCES issue ON DELETE CASCADE ON UPDATE CASCADE,
    project_key   text NOT NULL,
    field         text NOT NULL,
    place         integer NOT NULL DEFAULT 1,
    text_value    text,
    number_value  numeric,
    date_value    date,
    PRIMARY KEY (issue_key, field, place),
    FOREIGN KEY (project_key, field) REFERENCES custom_field ON UPDATE CASCADE,
    CHECK (num_nonnulls(text_value, number_value, date_value) = 1)
);
-- An index entry has at most 2,704 bytes, and a text may be longer.
CREATE INDEX custom_value_text ON custom_value (project_key, field, left(text_value, 200));
CREATE INDEX custom_value_number ON custom_value (project_key, field, number_value);
CREATE INDEX custom_value_date ON custom_value (project_key, field, date_value);

-- Each change of a field: by whom, when, from what to what, by which message or act by hand.
CREATE TABLE issue_change (
    change_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issue_key      text NOT NULL REFERENCES issue ON DELETE CASCADE ON UPDATE CASCADE,
    -- One for all changes of one act, and for its notifications.
    act_id         uuid NOT NULL,
    changed_at     timestamptz NOT NULL,
    actor_address  text NOT NULL,
    actor_name     text NOT NULL DEFAULT '',
    channel        text NOT NULL CHECK (channel IN ('mail', 'command', 'page')),
    mail_id        uuid,
    act            text NOT NULL,
    field          text NOT NULL,
    before         jsonb,
    after          jsonb,
    CHECK ((channel = 'mail') = (mail_id IS NOT NULL))
);
CREATE INDEX issue_change_issue ON issue_change (issue_key, change_id);
-- A description that an edit replaced and that is too large for a row: {"blob": its SHA-256}.
CREATE INDEX issue_change_blob ON issue_change ((before ->> 'blob'))
    WHERE before ->> 'blob' IS NOT NULL;

-- The index of all issues, of any tracker.

ALTER TABLE issue_index ADD COLUMN merged_into bigint;
ALTER TABLE issue_index
    ADD CONSTRAINT issue_index_merged_into FOREIGN KEY (merged_into) REFERENCES issue_index NOT VALID,
    ADD CONSTRAINT issue_index_merged_into_another CHECK (merged_into <> issue_id) NOT VALID;
-- The project that the former key was of, of a moved issue: its mailbox still receives answers.
ALTER TABLE issue_alias ADD COLUMN project_key text;

-- Full text: one row for each issue and each comment, with the names of its files. Rows of issues
-- that are older than this table are added by the handler, in the background.

CREATE TABLE issue_text (
    text_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issue_key   text NOT NULL REFERENCES issue ON DELETE CASCADE ON UPDATE CASCADE,
    -- NULL: the summary and description of the issue itself.
    comment_id  bigint REFERENCES comment ON DELETE CASCADE,
    words       tsvector NOT NULL
);
CREATE UNIQUE INDEX issue_text_issue ON issue_text (issue_key) WHERE comment_id IS NULL;
CREATE UNIQUE INDEX issue_text_comment ON issue_text (comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX issue_text_by_issue ON issue_text (issue_key);
CREATE INDEX issue_text_words ON issue_text USING gin (words);
