-- Validates the constraints of the migration before: it reads the tables while others write.

ALTER TABLE issue VALIDATE CONSTRAINT issue_status;
ALTER TABLE comment VALIDATE CONSTRAINT comment_issue_key_fkey;
ALTER TABLE attachment VALIDATE CONSTRAINT attachment_issue_key_fkey;
ALTER TABLE issue_link VALIDATE CONSTRAINT issue_link_issue_key_fkey;
ALTER TABLE issue_link VALIDATE CONSTRAINT issue_link_linked_key_fkey;
