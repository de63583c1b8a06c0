-- The people who have left an issue: no rule tells them of it by their role.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

CREATE TABLE left_issue (
    issue_id bigint NOT NULL REFERENCES issue_index ON DELETE CASCADE,
    address  text NOT NULL,
    PRIMARY KEY (issue_id, address)
);
