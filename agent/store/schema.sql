-- The agent's database, version 1: what the journal, the feeds and the link keep. The tables of the counter stand in
-- schema_shop.sql. Times are UTC microseconds. `epoch_no` counts the epochs of this machine; the highest is live.

CREATE TABLE epochs (
    epoch_no     INTEGER PRIMARY KEY,
    epoch        TEXT    NOT NULL UNIQUE,          -- UUID, granted by central
    parent_epoch TEXT,                             -- where it grew from; NULL for the first
    parent_seq   INTEGER NOT NULL DEFAULT 0,
    parent_hash  BLOB    NOT NULL DEFAULT x'',
    opening_hash BLOB    NOT NULL,                 -- the genesis that row 1 chains to
    copied_rows  INTEGER NOT NULL DEFAULT 0,       -- its first rows are copies of superseded rows
    opened_at_us INTEGER NOT NULL
) STRICT;

-- The truth. A row is written once and never changed; rows of a closed epoch after its child's parent_seq are superseded.
-- Without a row id, a sale costs one page at the end of one tree.
CREATE TABLE journal (
    epoch_no       INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    hash           BLOB    NOT NULL,               -- SHA-256(previous hash, seq, body)
    body           BLOB    NOT NULL,               -- the bytes that go on the wire
    event_time_us  INTEGER NOT NULL,
    record_time_us INTEGER NOT NULL,
    kind           TEXT    NOT NULL,
    PRIMARY KEY (epoch_no, seq)
) STRICT, WITHOUT ROWID;

-- Central has everything of an epoch before next_seq.
CREATE TABLE acked (
    epoch_no INTEGER PRIMARY KEY,
    next_seq INTEGER NOT NULL,
    at_us    INTEGER NOT NULL
) STRICT;

-- Everything up to here was found sound, or written by a process that knew it was.
CREATE TABLE checkpoints (
    epoch_no INTEGER PRIMARY KEY,
    seq      INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    at_us    INTEGER NOT NULL
) STRICT;

-- The last row that retention has taken away: the chain goes on from its hash.
CREATE TABLE base (
    epoch_no INTEGER PRIMARY KEY,
    seq      INTEGER NOT NULL,
    hash     BLOB    NOT NULL
) STRICT;

-- The days on which central was heard, in the order they came, with what it had then. Retention counts these.
CREATE TABLE contact_days (
    id       INTEGER PRIMARY KEY,
    day      INTEGER NOT NULL UNIQUE,              -- days since 1970 by central's clock
    epoch_no INTEGER NOT NULL,
    next_seq INTEGER NOT NULL
) STRICT;

-- Gap-free numbers of this machine's own: receipts, orders.
CREATE TABLE series (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Replicas of central's feeds. Readers see one edition while the next one is built beside it.
CREATE TABLE feed_rows (
    feed    TEXT    NOT NULL,
    edition INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    body    BLOB    NOT NULL,                      -- JSON
    PRIMARY KEY (feed, edition, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_cursors (
    feed         TEXT    PRIMARY KEY,
    edition      INTEGER NOT NULL,                 -- the edition that readers see
    building     INTEGER NOT NULL,                 -- the edition that chunks go to: the same one, unless it is rebuilt
    version      INTEGER NOT NULL,                 -- of `building`
    digest       TEXT    NOT NULL,                 -- of `building`, unsigned 64 bits in decimal
    head         INTEGER NOT NULL DEFAULT 0,       -- central's newest version, as last heard
    synced_at_us INTEGER                           -- when `edition` was last complete; NULL if never
) STRICT, WITHOUT ROWID;

-- What a person should be told. The same thing again is counted, not repeated.
CREATE TABLE notices (
    id          INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL,                  -- rewind, fork, pruned, damaged, held, unreadable ...
    subject     TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    first_at_us INTEGER NOT NULL,
    last_at_us  INTEGER NOT NULL,
    times       INTEGER NOT NULL DEFAULT 1,
    dismissed   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, subject)
) STRICT;
