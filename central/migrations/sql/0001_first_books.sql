-- The first schema of central. Every large table carries its distribution column in its keys: site_id for what happens at a
-- site, item for the lives of coded items, agent_id for journals. Times are UTC; business_day is the site's local date.

-- Who and where ------------------------------------------------------------------------------------------------------

CREATE TABLE dealers (
    dealer_id   text PRIMARY KEY,
    parent_id   text REFERENCES dealers,
    name        text NOT NULL,
    -- the ids from the root down, joined and ended by '/': a subtree is a prefix
    path        text NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sites (
    site_id         text PRIMARY KEY,
    dealer_id       text NOT NULL REFERENCES dealers,
    kind            text NOT NULL CHECK (kind IN ('store', 'dealer', 'warehouse')),
    name            text NOT NULL,
    time_zone       text NOT NULL DEFAULT 'UTC',
    currency        char(3) NOT NULL,
    price_list      text NOT NULL DEFAULT 'default',
    serving_site_id text REFERENCES sites,
    closed_at       timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sites_of_dealer ON sites (dealer_id);

-- What is sold -------------------------------------------------------------------------------------------------------

CREATE TABLE products (
    gtin         char(14) PRIMARY KEY,
    name         text NOT NULL,
    unit         text NOT NULL DEFAULT 'each',
    department   text,
    category     text,
    package_size text,
    serialised   boolean NOT NULL DEFAULT false,
    active       boolean NOT NULL DEFAULT true,
    updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE prices (
    price_list  text NOT NULL,
    gtin        char(14) NOT NULL,
    valid_from  timestamptz NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    currency    char(3) NOT NULL,
    PRIMARY KEY (price_list, gtin, valid_from)
);

CREATE TABLE stock_levels (
    site_id       text NOT NULL,
    gtin          char(14) NOT NULL,
    reorder_point numeric NOT NULL CHECK (reorder_point >= 0),
    order_up_to   numeric NOT NULL,
    PRIMARY KEY (site_id, gtin),
    CHECK (order_up_to >= reorder_point)
);

-- Agents and their journals ------------------------------------------------------------------------------------------

CREATE TABLE agents (
    agent_id         text PRIMARY KEY,
    site_id          text NOT NULL REFERENCES sites,
    lane             text NOT NULL,
    state            text NOT NULL DEFAULT 'enrolled' CHECK (state IN ('enrolled', 'revoked')),
    public_key_pem   text NOT NULL,
    -- still good for a renewal: the answer to the last one may have been lost on its way
    previous_key_pem text,
    enrolled_at      timestamptz NOT NULL DEFAULT now(),
    software         text,
    online           boolean NOT NULL DEFAULT false,
    seen_at          timestamptz,
    unsent           bigint NOT NULL DEFAULT 0,
    oldest_unsent_at timestamptz,
    clock_synced     boolean,
    clock_offset_us  bigint, -- how far the agent's clock was ahead of central's at its last hello
    boot_id          text,   -- the boot it spoke of then, and when, by central's clock, that boot began
    booted_at        timestamptz,
    UNIQUE (site_id, lane)
);

CREATE TABLE enrolment_tokens (
    token_hash bytea PRIMARY KEY,
    site_id    text NOT NULL REFERENCES sites,
    lane       text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    agent_id   text
);

-- One row an epoch, and at the same time central's cursor in it. Locked by whoever applies a batch of it.
CREATE TABLE epochs (
    agent_id     text NOT NULL,
    epoch        uuid NOT NULL,
    journal      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    parent_epoch uuid,
    parent_seq   bigint NOT NULL DEFAULT 0,
    parent_hash  bytea NOT NULL DEFAULT '\x',
    opening_hash bytea NOT NULL,
    request_id   text,
    cause        text NOT NULL,
    granted_at   timestamptz NOT NULL DEFAULT now(),
    next_seq     bigint NOT NULL DEFAULT 1,
    head_hash    bytea NOT NULL,
    applied      bigint NOT NULL DEFAULT 0,
    quarantined  bigint NOT NULL DEFAULT 0,
    repeated     bigint NOT NULL DEFAULT 0, -- rows whose fact another epoch of the agent has brought already
    advanced_at  timestamptz,
    PRIMARY KEY (agent_id, epoch),
    UNIQUE (agent_id, request_id),
    CHECK (octet_length(head_hash) = 32 AND octet_length(opening_hash) = 32),
    -- the promise, in one line: everything before the cursor has had its one effect or is visibly quarantined
    CHECK (applied + quarantined + repeated = next_seq - 1)
);
CREATE INDEX epochs_of_parent ON epochs (agent_id, parent_epoch);

-- The archive: the bytes of every event as the agent wrote them.
CREATE TABLE events (
    site_id     text NOT NULL,
    journal     bigint NOT NULL,
    seq         bigint NOT NULL,
    hash        bytea NOT NULL,
    kind        text NOT NULL,
    event_time  timestamptz,
    received_at timestamptz NOT NULL,
    body        bytea NOT NULL,
    repeats     bigint, -- the journal that brought the same fact before; such a row has no effect of its own
    PRIMARY KEY (journal, seq, site_id)
);
CREATE INDEX events_of_site ON events (site_id, received_at);

-- Facts by their identity, of agents that have several epochs: copies of one machine may bring a fact in two of them.
CREATE TABLE branch_facts (
    agent_id text NOT NULL,
    fact_id  bytea NOT NULL,
    journal  bigint NOT NULL,
    PRIMARY KEY (agent_id, fact_id)
);

CREATE TABLE quarantine (
    site_id        text NOT NULL,
    journal        bigint NOT NULL,
    seq            bigint NOT NULL,
    hash           bytea NOT NULL,
    cause          text NOT NULL,
    body           bytea NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    resolved_at    timestamptz,
    resolution     text,
    PRIMARY KEY (journal, seq, site_id)
);

-- Messages that could not be read at all: garbage, or a version of the future. Kept, bounded per agent, shown.
CREATE TABLE held_messages (
    agent_id    text NOT NULL,
    held_id     bigint GENERATED ALWAYS AS IDENTITY,
    topic       text NOT NULL,
    cause       text NOT NULL,
    frame       bytea NOT NULL,
    frame_hash  bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent_id, held_id),
    UNIQUE (agent_id, frame_hash) -- a sender repeats; one copy is enough
);

-- The ledger ---------------------------------------------------------------------------------------------------------

-- What leaves one location arrives at another. location is one of: supplier, customer, on_hand, quarantine,
-- in_transit:<from>><to>, adjustment:<reason>. Either an event (journal, seq) or a document of central stands behind it.
CREATE TABLE movements (
    site_id      text NOT NULL,
    movement_id  bigint GENERATED ALWAYS AS IDENTITY,
    gtin         char(14) NOT NULL,
    quantity     numeric NOT NULL CHECK (quantity > 0),
    source       text NOT NULL,
    destination  text NOT NULL,
    cause        text NOT NULL,
    journal      bigint,
    seq          bigint,
    document     text,
    line         integer NOT NULL,
    event_time   timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    business_day date NOT NULL,
    PRIMARY KEY (site_id, movement_id),
    CHECK (source <> destination),
    CHECK ((journal IS NULL) = (seq IS NULL) AND (journal IS NOT NULL OR document IS NOT NULL))
);
CREATE INDEX movements_of_day ON movements (site_id, business_day, gtin);
CREATE INDEX movements_of_product ON movements (site_id, gtin, movement_id);
CREATE UNIQUE INDEX movements_of_document ON movements (site_id, document, line) WHERE document IS NOT NULL;

-- The balance of each location at a site, kept in the transaction of its movements. reserved is what is promised of on_hand.
CREATE TABLE stock (
    site_id  text NOT NULL,
    gtin     char(14) NOT NULL,
    location text NOT NULL,
    quantity numeric NOT NULL,
    reserved numeric NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    PRIMARY KEY (site_id, gtin, location)
);
-- what is on its way to a site: location is in_transit:<from>><to>
CREATE INDEX stock_in_transit ON stock (split_part(location, '>', 2), gtin) WHERE starts_with(location, 'in_transit:');

CREATE TABLE sale_lines (
    site_id        text NOT NULL,
    journal        bigint NOT NULL,
    seq            bigint NOT NULL,
    line           integer NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('sale', 'void', 'return')),
    sale_id        text NOT NULL,
    receipt        text NOT NULL,
    gtin           char(14) NOT NULL,
    quantity       numeric NOT NULL,
    amount_minor   bigint NOT NULL,
    discount_minor bigint NOT NULL,
    currency       char(3) NOT NULL,
    item           text,
    provisional    boolean NOT NULL DEFAULT false,
    event_time     timestamptz NOT NULL,
    business_day   date NOT NULL,
    PRIMARY KEY (site_id, journal, seq, line)
);
CREATE INDEX sale_lines_of_day ON sale_lines (site_id, business_day);
CREATE INDEX sale_lines_of_sale ON sale_lines (site_id, sale_id);

-- Item lives ---------------------------------------------------------------------------------------------------------

CREATE TABLE items (
    item           text PRIMARY KEY,
    gtin           char(14) NOT NULL,
    state          text NOT NULL,
    site_id        text,
    batch          text,
    expiry         date,
    sold_at        timestamptz,
    sold_site_id   text,
    sold_journal   bigint,
    sold_seq       bigint,
    -- sales known less sales taken back; 2 and more: sold twice, below 0: taken back before its sale was heard of
    standing_sales integer NOT NULL DEFAULT 0,
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX items_of_site ON items (site_id, gtin);

CREATE TABLE item_trace (
    item        text NOT NULL,
    trace_id    bigint GENERATED ALWAYS AS IDENTITY,
    action      text NOT NULL,
    from_state  text,
    to_state    text NOT NULL,
    legal       boolean NOT NULL,
    note        text,
    site_id     text,
    journal     bigint,
    seq         bigint,
    document    text,
    event_time  timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (item, trace_id)
);

-- Orders -------------------------------------------------------------------------------------------------------------

CREATE TABLE orders (
    site_id      text NOT NULL,
    order_id     text NOT NULL,
    revision     integer NOT NULL,
    number       text NOT NULL,
    state        text NOT NULL,
    from_site_id text, -- null while no warehouse serves the site: such an order is held
    agent_id     text NOT NULL,
    currency     char(3) NOT NULL,
    body_hash    bytea NOT NULL,
    reason       text,
    note         text,
    submitted_at timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (site_id, order_id)
);
CREATE INDEX orders_by_state ON orders (state, submitted_at);

CREATE TABLE order_lines (
    site_id     text NOT NULL,
    order_id    text NOT NULL,
    line        integer NOT NULL,
    gtin        char(14) NOT NULL,
    ordered     numeric NOT NULL CHECK (ordered > 0),
    accepted    numeric NOT NULL DEFAULT 0,
    allocated   numeric NOT NULL DEFAULT 0,
    despatched  numeric NOT NULL DEFAULT 0,
    received    numeric NOT NULL DEFAULT 0,
    response    text,
    reason      text,
    price_minor bigint,
    PRIMARY KEY (site_id, order_id, line),
    FOREIGN KEY (site_id, order_id) REFERENCES orders
);

CREATE TABLE order_audit (
    site_id    text NOT NULL,
    order_id   text NOT NULL,
    audit_id   bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    action     text NOT NULL,
    from_state text,
    to_state   text NOT NULL,
    reason     text,
    PRIMARY KEY (site_id, order_id, audit_id)
);

CREATE TABLE despatches (
    to_site_id    text NOT NULL,
    despatch_id   text NOT NULL,
    from_site_id  text NOT NULL,
    order_id      text,
    state         text NOT NULL CHECK (state IN ('in_transit', 'part_received', 'received')),
    despatched_at timestamptz NOT NULL,
    received_at   timestamptz,
    PRIMARY KEY (to_site_id, despatch_id)
);

CREATE TABLE despatch_lines (
    to_site_id  text NOT NULL,
    despatch_id text NOT NULL,
    line        integer NOT NULL,
    gtin        char(14) NOT NULL,
    quantity    numeric NOT NULL CHECK (quantity > 0),
    received    numeric NOT NULL DEFAULT 0,
    items       text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (to_site_id, despatch_id, line),
    FOREIGN KEY (to_site_id, despatch_id) REFERENCES despatches
);

-- Discrepancies ------------------------------------------------------------------------------------------------------

-- One cause is one discrepancy: cause_key names the cause within its class, facts that repeat it add evidence.
CREATE TABLE discrepancies (
    site_id        text NOT NULL,
    discrepancy_id uuid NOT NULL DEFAULT gen_random_uuid(),
    class          text NOT NULL,
    cause_key      text NOT NULL,
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'assigned', 'settled', 'dismissed')),
    gtin           char(14),
    item           text,
    quantity       numeric,
    value_minor    bigint,
    currency       char(3),
    likely_cause   text NOT NULL,
    proposal       text NOT NULL,
    evidence       jsonb NOT NULL,
    assignee       text,
    opened_at      timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_id, discrepancy_id),
    UNIQUE (site_id, class, cause_key)
);
CREATE INDEX discrepancies_open ON discrepancies (state, opened_at);
CREATE INDEX discrepancies_by_cause ON discrepancies (class, cause_key);

CREATE TABLE discrepancy_audit (
    site_id        text NOT NULL,
    discrepancy_id uuid NOT NULL,
    audit_id       bigint GENERATED ALWAYS AS IDENTITY,
    at             timestamptz NOT NULL DEFAULT now(),
    actor          text NOT NULL,
    action         text NOT NULL,
    reason         text,
    PRIMARY KEY (site_id, discrepancy_id, audit_id)
);

-- Feeds --------------------------------------------------------------------------------------------------------------

-- The head is locked by whoever changes the feed, until its commit: versions become visible in their order.
CREATE TABLE feed_heads (
    feed    text NOT NULL,
    scope   text NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    digest  numeric(20) NOT NULL DEFAULT 0,
    PRIMARY KEY (feed, scope)
);

CREATE TABLE feed_rows (
    feed    text NOT NULL,
    scope   text NOT NULL,
    key     text NOT NULL,
    version bigint NOT NULL,
    digest  numeric(20) NOT NULL,
    body    bytea, -- null: a tombstone
    PRIMARY KEY (feed, scope, key)
);
CREATE UNIQUE INDEX feed_rows_in_order ON feed_rows (feed, scope, version);

-- The HTTP interface -------------------------------------------------------------------------------------------------

CREATE TABLE api_tokens (
    token_hash   bytea PRIMARY KEY,
    name         text NOT NULL,
    role         text NOT NULL CHECK (role IN ('brand', 'auditor', 'dealer', 'store')),
    dealer_id    text REFERENCES dealers,
    site_id      text REFERENCES sites,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    CHECK ((role = 'dealer') = (dealer_id IS NOT NULL)),
    CHECK ((role = 'store') = (site_id IS NOT NULL))
);

CREATE TABLE idempotency_keys (
    actor        text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    status       integer NOT NULL,
    response     bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor, key)
);

CREATE TABLE audit_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL,
    action   text NOT NULL,
    subject  text NOT NULL,
    detail   jsonb
);

-- Isolation ----------------------------------------------------------------------------------------------------------

-- The HTTP interface works under the role countermark_api, which owns nothing and bypasses nothing. Each transaction states
-- in countermark.sites which sites it may see and change: '*' or ids joined by ','. Unset means none.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'countermark_api') THEN
        CREATE ROLE countermark_api NOLOGIN NOBYPASSRLS;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this server was migrated at the same moment
END $$;
GRANT countermark_api TO CURRENT_USER; -- who may become it in a transaction

CREATE FUNCTION may_see(site text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(
        current_setting('countermark.sites', true) = '*'
        OR site = ANY (string_to_array(current_setting('countermark.sites', true), ',')),
        false)
$$;

CREATE FUNCTION seen_sites() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT string_to_array(current_setting('countermark.sites', true), ',')
$$;

CREATE FUNCTION sees_every_site() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('countermark.sites', true) = '*', false)
$$;

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('sites', 'site_id'), ('stock_levels', 'site_id'), ('agents', 'site_id'), ('enrolment_tokens', 'site_id'),
        ('events', 'site_id'), ('quarantine', 'site_id'), ('movements', 'site_id'), ('stock', 'site_id'),
        ('sale_lines', 'site_id'), ('items', 'site_id'), ('item_trace', 'site_id'), ('orders', 'site_id'),
        ('order_lines', 'site_id'), ('order_audit', 'site_id'), ('despatches', 'to_site_id'),
        ('despatch_lines', 'to_site_id'), ('discrepancies', 'site_id'), ('discrepancy_audit', 'site_id')
    ) AS t(name, site_column) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', one.name);
        -- A subselect is worked out once a statement, a plain call once a row.
        EXECUTE format(
            'CREATE POLICY by_site ON %1$I USING ((SELECT sees_every_site()) OR %2$I = ANY ((SELECT seen_sites())::text[]))'
            ' WITH CHECK (may_see(%2$I))',
            one.name, one.site_column);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA public TO countermark_api;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO countermark_api;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO countermark_api;
-- what no request of the HTTP interface needs to touch
REVOKE ALL ON enrolment_tokens, api_tokens, held_messages, branch_facts FROM countermark_api;
REVOKE INSERT, UPDATE ON events, quarantine, epochs, audit_log, order_audit, discrepancy_audit, item_trace FROM countermark_api;
GRANT INSERT ON audit_log, order_audit, discrepancy_audit, item_trace TO countermark_api;
