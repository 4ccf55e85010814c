-- Cases and pallets, standing sales of an item one by one, what the brand does to items, signals.

-- Items --------------------------------------------------------------------------------------------------------------

ALTER TABLE items
    -- the SSCC it lies in; a thing has one parent, so this stands with the child
    ADD COLUMN container           text,
    -- of a held or recalled item: what it was before; of a sold one: what it is to become when it comes back
    ADD COLUMN next_state          text,
    -- nobody has issued or registered it: it has a row because of what happened to it
    ADD COLUMN unissued            boolean NOT NULL DEFAULT false,
    ADD COLUMN sold_document       text,
    ADD COLUMN sold_uncertainty_us bigint,
    -- where there is more to tell of its sales than the columns sold_… hold: all standing ones, and takings-back without a sale
    ADD COLUMN sales               jsonb,
    -- where and when it was last scanned, by the time of the event
    ADD COLUMN seen_site_id        text,
    ADD COLUMN seen_at             timestamptz,
    ADD COLUMN seen_uncertainty_us bigint;
CREATE INDEX items_in_container ON items (container) WHERE container IS NOT NULL;
CREATE INDEX items_of_batch ON items (gtin, batch) WHERE batch IS NOT NULL;
CREATE INDEX items_by_expiry ON items (expiry) WHERE expiry IS NOT NULL;

ALTER TABLE item_trace
    ADD COLUMN uncertainty_us bigint,
    ADD COLUMN container      text,
    ALTER COLUMN to_state DROP NOT NULL; -- a code that was scanned and refused, and is on no item that anybody knows

-- A recalled batch: items of it that are registered later, or come back from a customer, are recalled too.
CREATE TABLE recalled_batches (
    gtin        char(14) NOT NULL,
    batch       text NOT NULL,
    reason      text NOT NULL,
    actor       text NOT NULL,
    recalled_at timestamptz NOT NULL,
    lifted_at   timestamptz,
    PRIMARY KEY (gtin, batch)
);

-- Cases and pallets ----------------------------------------------------------------------------------------------------

CREATE TABLE containers (
    sscc         text PRIMARY KEY,
    site_id      text NOT NULL, -- where it is, or is on its way to
    parent       text,          -- the SSCC it lies in
    lines        jsonb NOT NULL DEFAULT '{}', -- goods without codes directly in it: gtin -> quantity
    from_site_id text,          -- while it is on its way
    despatch_id  text,
    packed_at    timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX containers_in_container ON containers (parent) WHERE parent IS NOT NULL;
CREATE INDEX containers_of_site ON containers (site_id);

CREATE TABLE container_trace (
    sscc        text NOT NULL,
    trace_id    bigint GENERATED ALWAYS AS IDENTITY,
    action      text NOT NULL,
    items       text[] NOT NULL DEFAULT '{}',
    containers  text[] NOT NULL DEFAULT '{}',
    lines       jsonb NOT NULL DEFAULT '{}',
    note        text,
    site_id     text NOT NULL,
    journal     bigint,
    seq         bigint,
    document    text,
    event_time  timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (sscc, trace_id)
);

ALTER TABLE despatches ADD COLUMN containers text[] NOT NULL DEFAULT '{}';

-- Signals ------------------------------------------------------------------------------------------------------------

ALTER TABLE sites
    ADD COLUMN latitude  double precision CHECK (latitude BETWEEN -90 AND 90),
    ADD COLUMN longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    ADD CONSTRAINT sites_stand_somewhere_or_nowhere CHECK ((latitude IS NULL) = (longitude IS NULL));

-- Codes that nobody issued or that are forged, scanned or sold at a site: counted over minutes, dropped after a month.
CREATE TABLE unknown_codes (
    site_id    text NOT NULL,
    event_time timestamptz NOT NULL,
    journal    bigint NOT NULL,
    seq        bigint NOT NULL,
    line       integer NOT NULL,
    verdict    text NOT NULL,
    item       text,
    PRIMARY KEY (site_id, event_time, journal, seq, line)
);

-- Policy -------------------------------------------------------------------------------------------------------------

CREATE TABLE policies (
    verdict    text NOT NULL,
    gtin       text NOT NULL DEFAULT '', -- '': every product
    action     text NOT NULL CHECK (action IN ('accept', 'ask', 'refuse')),
    reason     text NOT NULL,
    actor      text NOT NULL,
    forced     boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (verdict, gtin)
);

-- Feeds in bulk ------------------------------------------------------------------------------------------------------

-- A million items change in one statement; their feed rows are then made here, as the program makes them one by one. A test holds
-- the two to the same bytes.
CREATE FUNCTION feed_row_digest(key text, body bytea) RETURNS numeric LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN half < 0 THEN half + 18446744073709551616::numeric ELSE half::numeric END
      FROM (SELECT ('x' || encode(substr(sha256(convert_to(key, 'UTF8') || '\x00'::bytea || body), 1, 8), 'hex'))::bit(64)::bigint)
           AS hashed (half)
$$;

CREATE FUNCTION item_feed_body(
    item text, gtin text, state text, site text, expiry date, sold_at timestamptz, sold_site text
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT convert_to(
        '{"item":' || to_json(item) || ',"gtin":"' || gtin || '","state":"' || state || '"'
        || CASE WHEN site IS NULL THEN '' ELSE ',"site":' || to_json(site) END
        || CASE WHEN expiry IS NULL THEN '' ELSE ',"expiry":"' || to_char(expiry, 'YYYY-MM-DD') || '"' END
        || CASE WHEN sold_at IS NULL THEN ''
                ELSE ',"sold_at_us":' || (extract(epoch FROM sold_at) * 1000000)::bigint END
        || CASE WHEN sold_site IS NULL THEN '' ELSE ',"sold_site":' || to_json(sold_site) END
        || '}',
        'UTF8')
$$;

-- Isolation ----------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['containers', 'container_trace', 'unknown_codes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY by_site ON %I USING ((SELECT sees_every_site()) OR site_id = ANY ((SELECT seen_sites())::text[]))'
            ' WITH CHECK (may_see(site_id))', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON containers, recalled_batches, policies TO countermark_api;
GRANT SELECT, INSERT ON container_trace TO countermark_api;
GRANT DELETE ON policies TO countermark_api;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO countermark_api;
