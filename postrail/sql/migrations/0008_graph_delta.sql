-- How far Microsoft Graph has told of the changes of a mailbox's folder.

CREATE TABLE graph_delta (
    mailbox    text NOT NULL,
    folder     text NOT NULL,
    -- The folder's id and filter that the link was made for: it is of no use with others.
    selection  text NOT NULL,
    link       text NOT NULL,
    -- When the whole folder was listed last.
    listed_at  timestamptz NOT NULL,
    PRIMARY KEY (mailbox, folder)
);
