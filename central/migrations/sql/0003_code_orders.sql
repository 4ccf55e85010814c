-- Keys that sign item codes, and the orders by which codes are issued.

-- Keys ---------------------------------------------------------------------------------------------------------------

-- The public halves. The private ones are files of central's own account and never here: who reads the database, or a dump of
-- it, can sign nothing. Days are inclusive, by UTC. What a retired key signed stays good, what a revoked one signed does not.
CREATE TABLE code_keys (
    key_id     text PRIMARY KEY CHECK (key_id ~ '^[0-9A-Z]{4}$'),
    purpose    text NOT NULL CHECK (purpose IN ('codes', 'filters')),
    public_key bytea NOT NULL UNIQUE CHECK (octet_length(public_key) = 32),
    valid_from date NOT NULL,
    created_at timestamptz NOT NULL,
    retired_on date CHECK (retired_on >= valid_from),
    revoked_at timestamptz,
    reason     text,
    CHECK ((revoked_at IS NULL) = (reason IS NULL))
);
-- A key's id, halves and first day are never changed.
GRANT SELECT, INSERT, UPDATE (retired_on, revoked_at, reason) ON code_keys TO countermark_api;

-- Orders of codes ----------------------------------------------------------------------------------------------------

-- An order is one row, however many codes it has: its serials are worked out from its tag and the order secret, which is a file
-- beside the private keys and never here. A tag begins with a letter (protocol.codes.short). Sites and dealers have no part in it.
CREATE TABLE code_orders (
    tag           text PRIMARY KEY CHECK (tag ~ '^[A-HJKMNP-TV-Z][0-9A-HJKMNP-TV-Z]{3}$'),
    gtin          char(14) NOT NULL REFERENCES products,
    count         integer NOT NULL CHECK (count BETWEEN 1 AND 10000000),
    format        text NOT NULL CHECK (format IN ('digital-link', 'sgtin', 'short')),
    batch         text,
    expiry        date,
    domain        text,                        -- what stands in front of a web address
    key_id        text REFERENCES code_keys,   -- signs its codes; null: short codes are not signed
    signed_on     date NOT NULL,
    secrets_check bytea NOT NULL,              -- whether the order secret at hand is the one it was placed with
    state         text NOT NULL CHECK (state IN ('open', 'complete', 'cancelled')),
    written       integer NOT NULL DEFAULT 0 CHECK (written BETWEEN 0 AND count),
    commissioned  integer NOT NULL DEFAULT 0,  -- how many of its codes have been put on products by commissioning
    file          text,                        -- on the machine that wrote it
    placed_by     text NOT NULL,
    placed_at     timestamptz NOT NULL,
    finished_at   timestamptz,
    reason        text,                        -- why it was cancelled
    CHECK ((format = 'short') = (key_id IS NULL)),
    CHECK ((state = 'cancelled') = (reason IS NOT NULL)),
    CHECK ((state = 'open') = (finished_at IS NULL))
);
CREATE INDEX code_orders_by_time ON code_orders (placed_at, tag);
CREATE INDEX code_orders_of_product ON code_orders (gtin);
-- What codes say is never changed: they are printed.
GRANT SELECT, INSERT, UPDATE (state, commissioned, finished_at, reason, written, file) ON code_orders TO countermark_api;
