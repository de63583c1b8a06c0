-- What each mailbox has used of Microsoft Graph's limits, over all processes.

SET LOCAL lock_timeout = '10s';

CREATE TABLE graph_use (
    -- The mailbox's address or user principal name, in lower case.
    mailbox       text NOT NULL,
    minute        timestamptz NOT NULL,
    requests      integer NOT NULL,
    upload_bytes  bigint NOT NULL,
    PRIMARY KEY (mailbox, minute)
);

-- The places for requests of senders; with the fetcher's they are the four that Graph serves at once.
CREATE TABLE graph_place (
    mailbox      text NOT NULL,
    place        smallint NOT NULL,
    -- The holder's id; NULL: the place is free.
    holder       uuid,
    -- When the place of a process that was killed is free again.
    taken_until  timestamptz NOT NULL,
    PRIMARY KEY (mailbox, place)
);
