-- Version 3: counting, and goods that leave. Projections and drafts; the facts stand in the journal.

-- What this machine has sent of each stocktake's areas, so that a count that is opened again begins from what was there.
CREATE TABLE counted_areas (
    stocktake_id TEXT    NOT NULL,
    area         TEXT    NOT NULL,
    round        INTEGER NOT NULL,
    count_id     TEXT    NOT NULL,
    body         TEXT    NOT NULL,     -- JSON: the lines, as sent
    at_us        INTEGER NOT NULL,
    PRIMARY KEY (stocktake_id, area, round)
) STRICT, WITHOUT ROWID;

-- Cases that were sent away from here, and the smaller ones in them: they stand here no more, until they are received again or the feed
-- has told something new of them since. `base` is the digest of the feed's row then.
CREATE TABLE containers_despatched (
    sscc    TEXT    PRIMARY KEY,
    number  TEXT    NOT NULL,          -- of the despatch
    to_site TEXT    NOT NULL,
    base    BLOB    NOT NULL,          -- empty: the feed had no row
    at_us   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
