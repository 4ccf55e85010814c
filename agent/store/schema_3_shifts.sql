-- Version 3: shifts. A projection of the journal: which is open, and where it began.

CREATE TABLE shifts (
    shift_id      TEXT    PRIMARY KEY,
    number        TEXT    NOT NULL,
    currency      TEXT    NOT NULL,
    float_minor   INTEGER NOT NULL,
    clerk         TEXT,
    epoch         TEXT    NOT NULL,     -- of its opening
    first_seq     INTEGER NOT NULL,
    opened_at_us  INTEGER NOT NULL,
    closed_at_us  INTEGER               -- NULL while it is open
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_open_shift ON shifts ((closed_at_us IS NULL)) WHERE closed_at_us IS NULL;

-- The shift that was open when a document was written, whatever clock or epoch it bears; NULL: none was.
ALTER TABLE documents ADD COLUMN shift_id TEXT;
CREATE INDEX documents_of_shift ON documents (shift_id) WHERE shift_id IS NOT NULL;
