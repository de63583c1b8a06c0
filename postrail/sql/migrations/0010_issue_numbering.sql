-- The built-in tracker keeps its own numbers: projects of other trackers have none from us.

-- Until this transaction ends, no handler of the release before takes a number.
LOCK TABLE project IN ACCESS EXCLUSIVE MODE;

-- A project without a row starts at 1.
CREATE TABLE issue_numbering (
    project_key  text PRIMARY KEY REFERENCES project ON DELETE CASCADE,
    next_number  bigint NOT NULL CHECK (next_number > 1)
);
INSERT INTO issue_numbering (project_key, next_number)
    SELECT project_key, next_number FROM project WHERE next_number > 1;

ALTER TABLE project DROP COLUMN next_number;
