-- Value beside quantity, what each day and month moved, closed days, money of the tills, stocktakes, invoices.

-- Value --------------------------------------------------------------------------------------------------------------

-- What a unit costs the brand, from a date on: where goods come in of which no document says it. Fractions of a minor unit are
-- normal for weighed goods.
CREATE TABLE costs (
    gtin       char(14) NOT NULL,
    currency   char(3) NOT NULL,
    valid_from timestamptz NOT NULL,
    cost_minor numeric NOT NULL CHECK (cost_minor >= 0),
    PRIMARY KEY (gtin, currency, valid_from)
);

ALTER TABLE stock
    ADD COLUMN value_minor     bigint NOT NULL DEFAULT 0, -- of this balance, at moving-average cost, in the site's currency
    ADD COLUMN unit_cost_minor numeric,                   -- of on_hand: the last known cost of one unit; null: never known
    -- of on_hand: the last booked count, by the time it was counted, and the stocktake; what happened before it and is heard of later
    -- corrects that count's adjustment
    ADD COLUMN counted_at      timestamptz,
    ADD COLUMN counted_in      text;
-- Changed with every sale: with room on its page for the next version, a row is changed without touching its index.
ALTER TABLE stock SET (fillfactor = 70);

-- A value without a quantity: a revaluation, between on_hand and adjustment:valuation.
ALTER TABLE movements
    ADD COLUMN value_minor bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT movements_quantity_check,
    ADD CONSTRAINT movements_quantity_check CHECK (quantity > 0 OR (quantity = 0 AND value_minor <> 0));

ALTER TABLE despatch_lines ADD COLUMN value_minor bigint; -- of the whole line as it left; null: before values were kept

-- Days and months -----------------------------------------------------------------------------------------------------

-- What moved at a site: flow is one of received, returned, transferred_in, sold, transferred_out, adjusted, set_aside, revalued.
-- quantity and value_minor are signed by the flow's own sense (a void makes 'sold' smaller); 'adjusted' and 'revalued' carry the sign of their
-- effect on hand. amount_minor is what customers paid ('sold') or got back ('returned'), in the site's currency. Kept with the movements, in
-- their transaction.
CREATE TABLE stock_days (
    site_id      text NOT NULL,
    business_day date NOT NULL,
    gtin         char(14) NOT NULL,
    flow         text NOT NULL,
    quantity     numeric NOT NULL DEFAULT 0,
    value_minor  bigint NOT NULL DEFAULT 0,
    amount_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (site_id, business_day, gtin, flow)
) WITH (fillfactor = 70);

-- The same by month; month is its first day.
CREATE TABLE stock_months (
    site_id      text NOT NULL,
    month        date NOT NULL,
    gtin         char(14) NOT NULL,
    flow         text NOT NULL,
    quantity     numeric NOT NULL DEFAULT 0,
    value_minor  bigint NOT NULL DEFAULT 0,
    amount_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (site_id, month, gtin, flow)
) WITH (fillfactor = 70);

-- The flow to which a movement belongs, by where it comes from and goes to; null: none, it touches neither the shelf nor what customers
-- bring back. Booking has the same rule (central/ledger), a statement checks a day by this one.
CREATE FUNCTION flow_of(source text, destination text, cause text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN source <> 'on_hand' AND destination <> 'on_hand' THEN
            CASE WHEN 'customer' IN (source, destination) AND 'quarantine' IN (source, destination) THEN 'set_aside' END
        WHEN 'supplier' IN (source, destination) THEN 'received'
        WHEN 'customer' IN (source, destination) THEN CASE WHEN cause = 'return' THEN 'returned' ELSE 'sold' END
        WHEN 'adjustment:valuation' IN (source, destination) THEN 'revalued'
        WHEN starts_with(source, 'in_transit:') THEN 'transferred_in'
        WHEN starts_with(destination, 'in_transit:') THEN 'transferred_out'
        ELSE 'adjusted'
    END
$$;

-- Whether a movement adds to its flow (1) or takes from it (-1): a void makes 'sold' smaller.
CREATE FUNCTION sense_of(source text, destination text, cause text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN source <> 'on_hand' AND destination <> 'on_hand' THEN CASE WHEN destination = 'quarantine' THEN 1 ELSE -1 END
        WHEN 'customer' IN (source, destination) AND cause <> 'return' THEN CASE WHEN destination = 'customer' THEN 1 ELSE -1 END
        WHEN starts_with(destination, 'in_transit:') OR destination = 'on_hand' THEN 1
        ELSE -1
    END
$$;

-- The days and months of books that were there before. What their goods were worth was never known.
INSERT INTO stock_days (site_id, business_day, gtin, flow, quantity, amount_minor)
SELECT site_id, business_day, gtin, flow, sum(quantity), sum(amount_minor)
  FROM (SELECT site_id, business_day, gtin, flow_of(source, destination, cause) AS flow,
               sense_of(source, destination, cause) * quantity AS quantity, 0 AS amount_minor
          FROM movements
        UNION ALL
        SELECT site_id, business_day, gtin, CASE sale_lines.kind WHEN 'return' THEN 'returned' ELSE 'sold' END, 0,
               CASE sale_lines.kind WHEN 'return' THEN -amount_minor ELSE amount_minor END
          FROM sale_lines JOIN sites USING (site_id, currency)) AS moved
 WHERE flow IS NOT NULL
 GROUP BY site_id, business_day, gtin, flow HAVING sum(quantity) <> 0 OR sum(amount_minor) <> 0
 ORDER BY site_id, business_day, gtin, flow;
INSERT INTO stock_months (site_id, month, gtin, flow, quantity, amount_minor)
SELECT site_id, date_trunc('month', business_day)::date AS month, gtin, flow, sum(quantity), sum(amount_minor)
  FROM stock_days GROUP BY site_id, month, gtin, flow ORDER BY site_id, month, gtin, flow;

-- A day statement that was closed, and with it every earlier day of the site that was not. What is heard of later is a restatement; the
-- statement as closed is the one of today without them.
CREATE TABLE day_closings (
    site_id      text NOT NULL,
    business_day date NOT NULL,
    closed_at    timestamptz NOT NULL,
    actor        text NOT NULL,
    reason       text,
    complete     boolean NOT NULL, -- every agent of the site had been heard since, and none had told of events that had not arrived
    -- the last restatement of the site at that moment: of earlier days, later ones are not in the statement as closed
    restated_through bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (site_id, business_day)
);

CREATE TABLE restatements (
    site_id        text NOT NULL,
    business_day   date NOT NULL,
    restatement_id bigint GENERATED ALWAYS AS IDENTITY,
    recorded_at    timestamptz NOT NULL,
    gtin           char(14) NOT NULL,
    flow           text NOT NULL,
    quantity       numeric NOT NULL,
    value_minor    bigint NOT NULL,
    amount_minor   bigint NOT NULL,
    journal        bigint,
    seq            bigint,
    document       text,
    PRIMARY KEY (site_id, business_day, restatement_id)
);

-- Money of the tills ----------------------------------------------------------------------------------------------------

-- How receipts were paid; refunds and voids below zero. The rows of a receipt add up to its amount: what the till did not say is 'unstated'; a
-- void whose sale has not arrived is 'unknown' until then.
CREATE TABLE payments (
    site_id      text NOT NULL,
    business_day date NOT NULL,
    journal      bigint NOT NULL,
    seq          bigint NOT NULL,
    line         integer NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('sale', 'void', 'return')),
    sale_id      text NOT NULL,
    method       text NOT NULL,
    amount_minor bigint NOT NULL,
    tendered_minor bigint, -- what was handed over, where that was more
    currency     char(3) NOT NULL,
    event_time   timestamptz NOT NULL,
    PRIMARY KEY (site_id, business_day, journal, seq, line)
);
CREATE INDEX payments_of_journal ON payments (site_id, journal, seq);
CREATE INDEX payments_unknown ON payments (site_id, sale_id) WHERE method = 'unknown';

CREATE TABLE shifts (
    site_id       text NOT NULL,
    shift_id      text NOT NULL,
    agent_id      text NOT NULL,
    number        text NOT NULL,
    clerk         text,
    currency      char(3) NOT NULL,
    float_minor   bigint NOT NULL,
    journal       bigint NOT NULL, -- of its opening
    first_seq     bigint NOT NULL,
    opened_at     timestamptz,     -- null: central knows of its end alone
    closed_journal bigint,
    last_seq      bigint,
    closed_at     timestamptz,
    business_day  date NOT NULL,   -- of its end, or while it is open of its beginning
    seal          jsonb,           -- what the till said at its end: sales, voids, returns, taken, counted, expected
    checked       jsonb,           -- what came of holding it against the books: {"differs": …, "differences": {…}}
    PRIMARY KEY (site_id, shift_id)
);
CREATE INDEX shifts_of_day ON shifts (site_id, business_day);
CREATE INDEX shifts_open ON shifts (site_id, agent_id) WHERE closed_at IS NULL;
CREATE INDEX shifts_of_agent ON shifts (site_id, agent_id, opened_at);
CREATE INDEX shifts_of_opening ON shifts (site_id, journal, first_seq);
CREATE INDEX shifts_of_closing ON shifts (site_id, closed_journal, last_seq) WHERE closed_journal IS NOT NULL;

-- By method: what was counted, what the till expected, what central's books say.
CREATE TABLE shift_counts (
    site_id       text NOT NULL,
    shift_id      text NOT NULL,
    method        text NOT NULL,
    counted_minor bigint,
    till_minor    bigint,
    booked_minor  bigint NOT NULL,
    PRIMARY KEY (site_id, shift_id, method)
);

CREATE TABLE cash_moves (
    site_id      text NOT NULL,
    journal      bigint NOT NULL,
    seq          bigint NOT NULL,
    cash_move_id text NOT NULL,
    shift_id     text,
    amount_minor bigint NOT NULL,
    currency     char(3) NOT NULL,
    reason       text NOT NULL,
    clerk        text,
    event_time   timestamptz NOT NULL,
    business_day date NOT NULL,
    PRIMARY KEY (site_id, journal, seq)
);

CREATE TABLE price_overrides (
    site_id          text NOT NULL,
    override_id      text NOT NULL,
    journal          bigint NOT NULL,
    seq              bigint NOT NULL,
    gtin             char(14) NOT NULL,
    currency         char(3) NOT NULL,
    list_price_minor bigint,
    price_minor      bigint NOT NULL,
    reason           text NOT NULL,
    clerk            text,
    authorised_by    text,
    event_time       timestamptz NOT NULL,
    business_day     date NOT NULL,
    PRIMARY KEY (site_id, override_id)
);

ALTER TABLE sale_lines ADD COLUMN override_id text;

-- How far a till may go: of a site, or of everybody (site_id '').
CREATE TABLE till_limits (
    site_id              text PRIMARY KEY,
    discount_limit_bp    integer CHECK (discount_limit_bp BETWEEN 0 AND 10000),
    override_limit_bp    integer CHECK (override_limit_bp BETWEEN 0 AND 10000),
    override             boolean NOT NULL DEFAULT true,
    cash_tolerance_minor bigint NOT NULL DEFAULT 0 CHECK (cash_tolerance_minor >= 0),
    -- how far a line may be from the price list's price without any reason given; null: lines are not held against the list
    price_tolerance_bp   integer CHECK (price_tolerance_bp >= 0),
    updated_at           timestamptz NOT NULL,
    actor                text NOT NULL
);

-- Stocktakes ------------------------------------------------------------------------------------------------------------

CREATE TABLE stocktakes (
    site_id         text NOT NULL,
    stocktake_id    text NOT NULL,
    name            text NOT NULL,
    blind           boolean NOT NULL,
    is_from_counter boolean NOT NULL DEFAULT false,   -- a counter began it without asking central
    gtins           char(14)[] NOT NULL DEFAULT '{}', -- what is counted; empty: everything
    departments     text[] NOT NULL DEFAULT '{}',     -- by which that was chosen
    state           text NOT NULL CHECK (state IN ('counting', 'recounting', 'proposed', 'booked', 'cancelled')),
    round           integer NOT NULL DEFAULT 1,
    recount_limit_quantity numeric,   -- a variance beyond either is counted again before it can be approved
    recount_limit_minor    bigint,
    started_at      timestamptz NOT NULL,
    started_by      text NOT NULL,
    ended_at        timestamptz,
    ended_by        text,
    reason          text,
    PRIMARY KEY (site_id, stocktake_id)
);
CREATE INDEX stocktakes_open ON stocktakes (site_id) WHERE state IN ('counting', 'recounting', 'proposed');

-- What was counted, as it came. A later count of the same area in the same round replaces the earlier one.
CREATE TABLE stocktake_counts (
    site_id      text NOT NULL,
    stocktake_id text NOT NULL,
    journal      bigint NOT NULL,
    seq          bigint NOT NULL,
    line         integer NOT NULL,
    count_id     text NOT NULL,
    area         text NOT NULL,
    round        integer NOT NULL,
    complete     boolean NOT NULL,
    gtin         char(14), -- null: an area in which nothing was found
    quantity     numeric NOT NULL,
    items        text[] NOT NULL DEFAULT '{}',
    clerk        text,
    counted_at   timestamptz NOT NULL,
    event_time   timestamptz NOT NULL, -- of the whole count: of one area in one round the latest stands
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (site_id, stocktake_id, journal, seq, line)
);

-- What follows for each product: the count against the balance at its moment.
CREATE TABLE stocktake_lines (
    site_id      text NOT NULL,
    stocktake_id text NOT NULL,
    gtin         char(14) NOT NULL,
    round        integer NOT NULL,
    counted      numeric NOT NULL,
    counted_at   timestamptz NOT NULL,
    expected     numeric NOT NULL,
    variance     numeric NOT NULL, -- counted - expected
    value_minor  bigint,           -- of the variance, at cost
    uncertain    numeric NOT NULL DEFAULT 0, -- what moved between the first and the last of several areas
    is_unnamed   boolean NOT NULL DEFAULT false, -- nobody counted it
    asked        integer[] NOT NULL DEFAULT '{}', -- the rounds in which it was to be counted again
    missing_items text[] NOT NULL DEFAULT '{}',   -- once it is booked: items on the books that nobody scanned,
    surplus_items text[] NOT NULL DEFAULT '{}',   -- and scanned ones that were not on the books here
    state        text NOT NULL CHECK (state IN ('agrees', 'recount', 'proposed', 'approved', 'refused', 'booked')),
    reason       text,
    PRIMARY KEY (site_id, stocktake_id, gtin)
);
CREATE INDEX stocktake_lines_booked ON stocktake_lines (site_id, gtin, counted_at) WHERE state = 'booked';

CREATE TABLE stocktake_audit (
    site_id      text NOT NULL,
    stocktake_id text NOT NULL,
    audit_id     bigint GENERATED ALWAYS AS IDENTITY,
    at           timestamptz NOT NULL,
    actor        text NOT NULL,
    action       text NOT NULL,
    from_state   text,
    to_state     text NOT NULL,
    reason       text,
    gtins        char(14)[] NOT NULL DEFAULT '{}', -- the products it was about; empty: the whole
    PRIMARY KEY (site_id, stocktake_id, audit_id)
);

-- Despatches by scan --------------------------------------------------------------------------------------------------------

-- What a counter sent where no site may await it stands under to_site_id '_nowhere'; named_site is what it was addressed to.
ALTER TABLE despatches
    ADD COLUMN named_site text,
    ADD COLUMN body_hash  bytea; -- of what the counter said: the same despatch again changes nothing
CREATE INDEX despatches_of_id ON despatches (despatch_id);

-- Receipts of despatches that central had not heard of: booked as from a supplier, and turned over when the despatch is heard of.
CREATE TABLE early_receipts (
    site_id           text NOT NULL,
    despatch_id       text NOT NULL,
    journal           bigint NOT NULL,
    seq               bigint NOT NULL,
    receipt_advice_id text NOT NULL,
    lines             jsonb NOT NULL, -- [{"gtin": …, "quantity": …, "items": […]}], with what lay in cases
    complete          boolean NOT NULL,
    event_time        timestamptz NOT NULL,
    business_day      date NOT NULL,
    joined_at         timestamptz,
    PRIMARY KEY (site_id, despatch_id, journal, seq)
);

-- Invoices --------------------------------------------------------------------------------------------------------------

-- What a site was charged (UBL Invoice), to be matched against what was ordered and what was received.
CREATE TABLE invoices (
    site_id     text NOT NULL, -- the buyer's
    invoice_id  text NOT NULL, -- the supplier's own number
    from_site_id text,
    order_id    text,
    despatch_id text,
    currency    char(3) NOT NULL,
    issued_at   timestamptz NOT NULL,
    body_hash   bytea NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'matched', 'disputed', 'paid', 'cancelled')),
    recorded_at timestamptz NOT NULL,
    actor       text NOT NULL,
    -- UNCL1001: 380 an invoice, 381 a credit note; the invoice that it takes back from
    type_code   text NOT NULL DEFAULT '380' CHECK (type_code IN ('380', '381')),
    billing_reference text,
    matched_at  timestamptz, -- when it was last set against orders and receipts; null: something has arrived since
    PRIMARY KEY (site_id, invoice_id)
);
CREATE INDEX invoices_of_despatch ON invoices (site_id, despatch_id) WHERE despatch_id IS NOT NULL;
CREATE INDEX invoices_to_match ON invoices (matched_at NULLS FIRST) WHERE state IN ('open', 'disputed');
CREATE INDEX invoices_of_order ON invoices (site_id, order_id) WHERE order_id IS NOT NULL;

CREATE TABLE invoice_lines (
    site_id     text NOT NULL,
    invoice_id  text NOT NULL,
    line        integer NOT NULL,
    order_line  integer,
    gtin        char(14) NOT NULL,
    quantity    numeric NOT NULL,
    price_minor numeric NOT NULL, -- of one unit
    PRIMARY KEY (site_id, invoice_id, line),
    FOREIGN KEY (site_id, invoice_id) REFERENCES invoices
);

-- Discrepancies ---------------------------------------------------------------------------------------------------------

ALTER TABLE discrepancies
    ADD COLUMN cause       text,  -- the likely cause in one word, for programs: theft, not_loaded, double_scan …
    ADD COLUMN probability real CHECK (probability BETWEEN 0 AND 1),
    ADD COLUMN settlement  jsonb, -- what settling it would book: {"reason": …, "lines": [{"gtin": …, "quantity": …}]}
    ADD COLUMN assessed_at timestamptz; -- when its likely cause was last looked for in what surrounds it
CREATE INDEX discrepancies_of_class ON discrepancies (class, state, opened_at);
CREATE INDEX discrepancies_of_site ON discrepancies (site_id, state, opened_at);
CREATE INDEX discrepancies_to_assess ON discrepancies (updated_at)
    WHERE state IN ('open', 'assigned') AND (assessed_at IS NULL OR assessed_at < updated_at);

CREATE INDEX discrepancies_of_product ON discrepancies (gtin, class) WHERE gtin IS NOT NULL;
CREATE INDEX discrepancies_of_item ON discrepancies (item) WHERE item IS NOT NULL;
CREATE INDEX despatches_awaited ON despatches (to_site_id, despatched_at) WHERE state <> 'received';
CREATE INDEX despatches_of_lane ON despatches (to_site_id, from_site_id, despatched_at);
CREATE INDEX despatches_by_id ON despatches (despatch_id);

-- What a settled discrepancy took of a line that never arrived: it is no longer awaited.
ALTER TABLE despatch_lines ADD COLUMN settled numeric NOT NULL DEFAULT 0 CHECK (settled >= 0);

-- Fast movers that are in stock on paper and have not sold for unusually long: where the next count pays. Made by the clock, site by site.
CREATE TABLE stock_suspects (
    site_id       text NOT NULL,
    gtin          char(14) NOT NULL,
    probability   double precision NOT NULL CHECK (probability BETWEEN 0 AND 1), -- that nothing is there to be sold
    on_hand       numeric NOT NULL,
    value_minor   bigint NOT NULL,
    last_sold_on  date NOT NULL,
    silent_days   integer NOT NULL,
    missed        double precision NOT NULL, -- sales that its usual rate would have brought in those days
    looked_at     timestamptz NOT NULL,
    PRIMARY KEY (site_id, gtin)
);
CREATE INDEX stock_suspects_ranked ON stock_suspects (probability DESC, site_id, gtin);

-- Isolation -------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['stock_days', 'stock_months', 'day_closings', 'restatements', 'payments', 'shifts', 'shift_counts',
        'cash_moves', 'price_overrides', 'stocktakes', 'stocktake_counts', 'stocktake_lines', 'stocktake_audit',
        'early_receipts', 'invoices', 'invoice_lines', 'stock_suspects'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY by_site ON %I USING ((SELECT sees_every_site()) OR site_id = ANY ((SELECT seen_sites())::text[]))'
            ' WITH CHECK (may_see(site_id))', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON stock_days, stock_months, day_closings, restatements, payments, shifts, shift_counts, cash_moves,
    price_overrides, stocktakes, stocktake_counts, stocktake_lines, early_receipts, invoices, invoice_lines, stock_suspects, costs, till_limits
    TO countermark_api;
GRANT DELETE ON stocktake_lines, costs, till_limits TO countermark_api;
GRANT SELECT, INSERT ON stocktake_audit TO countermark_api;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO countermark_api;
