-- Since when a message waits for its mail account, which is not configured any more.
ALTER TABLE incoming_mail ADD COLUMN awaits_account_since timestamptz;

CREATE INDEX incoming_mail_awaits_account ON incoming_mail (mailbox)
    WHERE state = 'waiting' AND awaits_account_since IS NOT NULL;
