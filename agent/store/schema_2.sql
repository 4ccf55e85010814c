-- Version 2: cases and pallets, what came back of each sale, how provisional sales were settled. A new database gets these after
-- version 1's; an older one, when it is opened.

-- Of a sale: open until central has settled it, then confirmed or contested.
ALTER TABLE local_items ADD COLUMN standing TEXT;
CREATE INDEX open_sales ON local_items (at_us) WHERE standing = 'open';

-- What packing or unpacking here made of a case, until central's feed tells of it. `base` is the digest of the feed's row then.
CREATE TABLE local_containers (
    sscc  TEXT    PRIMARY KEY,
    body  TEXT    NOT NULL,           -- JSON, as in the feed of containers
    base  BLOB    NOT NULL,           -- empty: the feed had no row
    epoch TEXT    NOT NULL,           -- the event that did it
    seq   INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Cases that were taken in unopened, and the smaller ones in them, so that none is counted on two receipts.
CREATE TABLE containers_received (
    sscc        TEXT    PRIMARY KEY,
    number      TEXT    NOT NULL,     -- of the receipt of goods
    despatch_id TEXT,
    at_us       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What has come back of a sale made here, so that nothing comes back twice.
CREATE TABLE returned_lines (
    sale_id   TEXT    NOT NULL,
    return_id TEXT    NOT NULL,
    line      INTEGER NOT NULL,       -- counted from 1
    receipt   TEXT    NOT NULL,       -- of the return
    gtin      TEXT    NOT NULL,
    item      TEXT,
    quantity  TEXT    NOT NULL,       -- exact decimal
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (sale_id, return_id, line)
) STRICT, WITHOUT ROWID;
