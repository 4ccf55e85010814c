-- The shop's own tables, all of them projections or drafts: the facts themselves stand in the journal.

-- Every document this agent wrote, by its own id, with what was asked and what was answered: the same request again
-- gets the same answer, another request under the same id is a conflict.
CREATE TABLE documents (
    document_id   TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,      -- sale, void, return, receiving, order, order_cancel
    number        TEXT NOT NULL,      -- what a person reads: the receipt's or the order's number
    digest        BLOB NOT NULL,      -- SHA-256 of the request
    answer        TEXT NOT NULL,      -- JSON
    epoch         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    event_time_us INTEGER NOT NULL,
    body          BLOB NOT NULL,      -- the event, as journaled: voids and reprints need it after the journal is pruned
    voided_by     TEXT                -- document_id of the void, for a sale
) STRICT, WITHOUT ROWID;

CREATE INDEX documents_by_kind ON documents (kind, event_time_us);

-- What this site's journal last did to a coded item.
CREATE TABLE local_items (
    item    TEXT PRIMARY KEY,
    gtin    TEXT NOT NULL,
    state   TEXT NOT NULL,            -- sold, sellable, quarantined (protocol.items.State)
    at_us   INTEGER NOT NULL,
    receipt TEXT,
    sale_id TEXT
) STRICT, WITHOUT ROWID;

-- Despatch advices that were received here, so that they leave the list before central has answered.
CREATE TABLE despatches_received (
    despatch_id       TEXT PRIMARY KEY,
    receipt_advice_id TEXT NOT NULL,
    complete          INTEGER NOT NULL,
    at_us             INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Orders whose cancellation was asked for here.
CREATE TABLE cancels_asked (
    order_id TEXT PRIMARY KEY,
    at_us    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is being written and must survive a power cut: basket, return, receipt of goods, order, mode, held baskets.
CREATE TABLE drafts (
    draft       TEXT PRIMARY KEY,
    body        TEXT NOT NULL,        -- JSON
    saved_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
