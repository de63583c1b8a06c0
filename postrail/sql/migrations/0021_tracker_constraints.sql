-- Validates the constraints of the migration before: it reads the tables while others write.

ALTER TABLE issue
    VALIDATE CONSTRAINT issue_status,
    VALIDATE CONSTRAINT issue_resolution_and_time,
    VALIDATE CONSTRAINT issue_merged_into_another,
    VALIDATE CONSTRAINT issue_priority,
    VALIDATE CONSTRAINT issue_assignee,
    VALIDATE CONSTRAINT issue_merged_into;
ALTER TABLE issue_index
    VALIDATE CONSTRAINT issue_index_merged_into,
    VALIDATE CONSTRAINT issue_index_merged_into_another;
ALTER TABLE comment VALIDATE CONSTRAINT comment_issue_key_fkey;
ALTER TABLE attachment VALIDATE CONSTRAINT attachment_issue_key_fkey;
ALTER TABLE issue_link VALIDATE CONSTRAINT issue_link_issue_key_fkey;
ALTER TABLE issue_link VALIDATE CONSTRAINT issue_link_linked_key_fkey;
