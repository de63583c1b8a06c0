-- Mail accounts gain what happens after the download, and limits.

ALTER TABLE mail_account
    ADD COLUMN allow_plain_login   boolean NOT NULL DEFAULT false,
    ADD COLUMN min_tls_version     text NOT NULL DEFAULT '1.2',
    ADD COLUMN after_download      text NOT NULL DEFAULT 'seen',
    ADD COLUMN move_to             text NOT NULL DEFAULT '',
    ADD COLUMN max_mails_per_poll  bigint NOT NULL DEFAULT 0,
    ADD COLUMN max_message_bytes   bigint NOT NULL DEFAULT 0,
    ADD COLUMN only_after          date,
    ADD COLUMN timeout_ms          integer NOT NULL DEFAULT 30000;
UPDATE mail_account SET
    timeout_ms = greatest(1, least(30000, round(timeout_seconds * 1000))),
    -- Who logged in without encryption so far goes on doing so; apply and doctor warn of it.
    allow_plain_login = (encryption = 'none');
ALTER TABLE mail_account DROP COLUMN timeout_seconds;

-- How far mails were seen to after their download: marked, moved or removed.
ALTER TABLE sync_state RENAME COLUMN seen_uid TO finished_uid;
