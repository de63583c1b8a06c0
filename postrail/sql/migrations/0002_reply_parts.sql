-- Comments hold what is new in a reply; what it quotes and its signature are kept apart.

ALTER TABLE mail_account ADD COLUMN strip_quotations boolean NOT NULL DEFAULT true;

ALTER TABLE comment
    ADD COLUMN quoted_text text NOT NULL DEFAULT '',
    ADD COLUMN signature text NOT NULL DEFAULT '',
    -- All parts of a large reply as JSON; the two columns above are empty then, and so is the body
    -- when what is new is large itself.
    ADD COLUMN reply_blob text;
CREATE INDEX comment_reply_blob ON comment (reply_blob) WHERE reply_blob IS NOT NULL;
