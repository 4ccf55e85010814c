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
