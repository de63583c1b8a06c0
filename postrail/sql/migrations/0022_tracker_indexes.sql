-- outside of a transaction: each statement is one of its own, and may be run again.

DROP INDEX CONCURRENTLY IF EXISTS issue_project_changed;
CREATE INDEX CONCURRENTLY issue_project_changed ON issue (project_key, changed_at DESC);
DROP INDEX CONCURRENTLY IF EXISTS issue_changed;
CREATE INDEX CONCURRENTLY issue_changed ON issue (changed_at DESC);
DROP INDEX CONCURRENTLY IF EXISTS issue_assignee;
CREATE INDEX CONCURRENTLY issue_assignee ON issue (assignee, changed_at DESC) WHERE assignee IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS issue_reporter;
CREATE INDEX CONCURRENTLY issue_reporter ON issue (reporter_address, changed_at DESC);
DROP INDEX CONCURRENTLY IF EXISTS issue_status_changed;
CREATE INDEX CONCURRENTLY issue_status_changed ON issue (project_key, status, changed_at DESC);
DROP INDEX CONCURRENTLY IF EXISTS issue_due;
CREATE INDEX CONCURRENTLY issue_due ON issue (due_on) WHERE due_on IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS issue_labels;
CREATE INDEX CONCURRENTLY issue_labels ON issue USING gin (labels) WHERE labels <> '{}';
DROP INDEX CONCURRENTLY IF EXISTS issue_components;
CREATE INDEX CONCURRENTLY issue_components ON issue USING gin (components) WHERE components <> '{}';
DROP INDEX CONCURRENTLY IF EXISTS issue_merged;
CREATE INDEX CONCURRENTLY issue_merged ON issue (merged_into) WHERE merged_into IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS issue_index_merged;
CREATE INDEX CONCURRENTLY issue_index_merged ON issue_index (merged_into) WHERE merged_into IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS attachment_comment;
CREATE INDEX CONCURRENTLY attachment_comment ON attachment (comment_id) WHERE comment_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS outgoing_mail_internal;
CREATE INDEX CONCURRENTLY outgoing_mail_internal ON outgoing_mail (issue_id) WHERE internal;
