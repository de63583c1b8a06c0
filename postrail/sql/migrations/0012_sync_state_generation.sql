-- How often the server of a folder has begun to count its UIDs again within a UIDVALIDITY.

ALTER TABLE sync_state ADD COLUMN generation integer NOT NULL DEFAULT 0;
