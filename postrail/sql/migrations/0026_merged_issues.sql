-- A project may give up the type and the status that only merged issues have, which nobody changes:
-- they get the first ones, which may come with the same change of the project.

SET LOCAL lock_timeout = '10s';

ALTER TABLE issue ALTER CONSTRAINT issue_status DEFERRABLE;
ALTER TABLE issue ALTER CONSTRAINT issue_type_of_project DEFERRABLE;
