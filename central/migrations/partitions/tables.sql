-- What is there before the first table is divided: new tables, and the functions that divide. Harmless beside a central of the version
-- before, and harmless a second time.

-- Access by site, as every table has it. A partition has it too: who names it in place of its table finds the same door.
CREATE OR REPLACE FUNCTION isolate_by_site(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = name::regclass AND polname = 'by_site') THEN
        EXECUTE format(
            'CREATE POLICY by_site ON %I USING ((SELECT sees_every_site()) OR site_id = ANY ((SELECT seen_sites())::text[]))'
            ' WITH CHECK (may_see(site_id))', name);
    END IF;
END $$;

-- A document is booked once. The movements of a divided table cannot say so: their keys hold the time.
CREATE TABLE IF NOT EXISTS booked_documents (
    site_id     text NOT NULL,
    document    text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, document)
);

-- What movements that are no longer kept had added up to: with the movements that are, it gives every balance.
CREATE TABLE IF NOT EXISTS movements_carried (
    site_id     text NOT NULL,
    gtin        char(14) NOT NULL,
    location    text NOT NULL,
    quantity    numeric NOT NULL,
    value_minor bigint NOT NULL,
    PRIMARY KEY (site_id, gtin, location)
);

-- What is left of events that are no longer kept: 48 bytes each, in pieces without a gap. By its hashes central goes on telling a journal
-- from a copy that parted from it, by its fact ids (the first 16 bytes of SHA-256 of the body) a fact from one that it has had already.
CREATE TABLE IF NOT EXISTS event_digests (
    site_id   text NOT NULL,
    journal   bigint NOT NULL,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    hashes    bytea NOT NULL,
    fact_ids  bytea NOT NULL,
    PRIMARY KEY (journal, first_seq, site_id),
    CHECK (octet_length(hashes) = 32 * (last_seq - first_seq + 1) AND octet_length(fact_ids) = 16 * (last_seq - first_seq + 1))
);

-- Which partitions have gone: what was before until_day is not kept here.
CREATE TABLE IF NOT EXISTS dropped_partitions (
    table_name text NOT NULL,
    name       text NOT NULL,
    until_day  date NOT NULL,
    row_count  bigint NOT NULL,
    dropped_at timestamptz NOT NULL,
    PRIMARY KEY (table_name, name)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['booked_documents', 'movements_carried', 'event_digests'] LOOP
        PERFORM isolate_by_site(name);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON booked_documents TO countermark_api;
GRANT SELECT ON movements_carried, event_digests, dropped_partitions TO countermark_api;

-- Make the partition of one month, whose first day is given; false if it is there. Rows of that month that had come before it (into the
-- default partition) go into it. Others at work on the table wait for no more than the look through the default partition.
CREATE OR REPLACE FUNCTION make_partition(parent text, first date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name     text := parent || to_char(first, '_YYYY_MM');
    spare    text := parent || '_default';
    keyed    text;
    of_day   boolean;
    from_key text := first::text;
    to_key   text := (first + interval '1 month')::date::text;
BEGIN
    -- Several processes may want to make it at the same moment.
    PERFORM pg_advisory_xact_lock(hashtext('countermark partitions'), hashtext(parent));
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    SELECT attname, atttypid = 'date'::regtype INTO STRICT keyed, of_day
      FROM pg_partitioned_table JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
     WHERE partrelid = parent::regclass;
    IF NOT of_day THEN
        from_key := from_key || ' 00:00:00+00';
        to_key := to_key || ' 00:00:00+00';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
    IF parent = 'stock_days' THEN -- of which a row is changed with every sale of its day
        EXECUTE format('ALTER TABLE %I SET (fillfactor = 70)', name);
    END IF;
    PERFORM isolate_by_site(name);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', spare);
    EXECUTE format(
        'WITH early AS (DELETE FROM %1$I WHERE %2$I >= %3$L AND %2$I < %4$L RETURNING *) INSERT INTO %5$I SELECT * FROM early',
        spare, keyed, from_key, to_key, name);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, from_key, to_key);
    RETURN true;
END $$;

-- The two halves of dividing a table; between them stands the table anew, with its keys. countermark.boundary is the first day that
-- does not belong into the old table, which becomes the oldest partition as it is: no row is copied.
CREATE OR REPLACE FUNCTION set_aside(parent text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    suffix text := to_char(current_setting('countermark.boundary')::date, '"_before_"YYYY_MM');
    counted text;
    next_number bigint;
    one record;
BEGIN
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent);
    -- An identity is refused in partitions by PostgreSQL up to 16, and in a table that is to become one from 17 on; a sequence never is.
    SELECT attname INTO counted FROM pg_attribute WHERE attrelid = parent::regclass AND attidentity <> '' AND NOT attisdropped;
    IF FOUND THEN
        EXECUTE format('SELECT last_value + is_called::int FROM %s', pg_get_serial_sequence(parent, counted)) INTO next_number;
        EXECUTE format('ALTER TABLE %I ALTER %I DROP IDENTITY', parent, counted);
        EXECUTE format('CREATE SEQUENCE %I START %s', parent || '_' || counted || '_seq', next_number);
        EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT nextval(%L)', parent, counted, parent || '_' || counted || '_seq');
        EXECUTE format('GRANT USAGE ON SEQUENCE %I TO countermark_api', parent || '_' || counted || '_seq');
    END IF;
    IF to_regclass(parent || '_by_key') IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %1$I DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I PRIMARY KEY USING INDEX %3$I',
            parent, parent || '_pkey', parent || '_by_key');
    END IF;
    FOR one IN SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = parent::regclass LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', one.relname, one.relname || suffix);
    END LOOP;
    EXECUTE format('ALTER TABLE %I RENAME TO %I', parent, parent || '_set_aside');
END $$;

CREATE OR REPLACE FUNCTION take_in(parent text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    boundary date := current_setting('countermark.boundary')::date;
    old      text := parent || '_set_aside';
    spare    text := parent || '_default';
    keyed    text;
    to_key   text := boundary::text;
    one      record;
BEGIN
    SELECT attname, CASE WHEN atttypid = 'date'::regtype THEN to_key ELSE to_key || ' 00:00:00+00' END INTO STRICT keyed, to_key
      FROM pg_partitioned_table JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
     WHERE partrelid = parent::regclass;
    FOR one IN SELECT grantee::regrole AS grantee, string_agg(privilege_type, ', ') AS privileges
                 FROM pg_class, aclexplode(relacl) WHERE oid = old::regclass AND grantee <> 0 AND grantee <> relowner GROUP BY 1 LOOP
        EXECUTE format('GRANT %s ON %I TO %s', one.privileges, parent, one.grantee);
        EXECUTE format('REVOKE ALL ON %I FROM %s', old, one.grantee);
    END LOOP;
    PERFORM isolate_by_site(parent);
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', spare, parent);
    PERFORM isolate_by_site(spare);
    -- Rows of a day to come (a clock was wrong) are none of the old table's. Without them a constraint has proven so, and nothing is read here.
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = old::regclass AND conname = 'before_boundary') THEN
        EXECUTE format('WITH odd AS (DELETE FROM %I WHERE %I >= %L RETURNING *) INSERT INTO %I SELECT * FROM odd', old, keyed, to_key, spare);
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I DEFAULT', parent, spare);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', parent, old, to_key);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS before_boundary', old);
    EXECUTE format('ALTER TABLE %I RENAME TO %I', old, parent || to_char(boundary, '"_before_"YYYY_MM'));
    FOR ahead IN 0..2 LOOP
        PERFORM make_partition(parent, (boundary + make_interval(months => ahead))::date);
    END LOOP;
END $$;

-- The proof beforehand that the old table has nothing from the boundary on, for which nobody has to wait.
CREATE OR REPLACE FUNCTION bound_by(parent text, keyed text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    boundary text := current_setting('countermark.boundary');
BEGIN
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS before_boundary', parent);
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT before_boundary CHECK (%I < %L) NOT VALID', parent, keyed,
        CASE WHEN (SELECT atttypid = 'date'::regtype FROM pg_attribute WHERE attrelid = parent::regclass AND attname = keyed)
             THEN boundary ELSE boundary || ' 00:00:00+00' END);
END $$;

REVOKE ALL ON FUNCTION isolate_by_site(text), make_partition(text, date), set_aside(text), take_in(text), bound_by(text, text) FROM PUBLIC;
