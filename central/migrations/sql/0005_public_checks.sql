-- Checks of item codes by the public: counted, without anything about who asked.

-- A check is counted once for each network and day (visits); networks are coarse (IPv4 /24, IPv6 /48), hashed with the salt of their day, and
-- only those of the last day are here at all. The salt goes with its day: after that nobody can tell what a hash was of.
CREATE TABLE public_checks (
    item       text PRIMARY KEY,
    known      boolean NOT NULL, -- in the books or issued; else a number that somebody invented
    checks     bigint NOT NULL,
    visits     bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    day        date NOT NULL, -- of networks, by UTC
    networks   text[] NOT NULL
);
CREATE INDEX public_checks_with_networks ON public_checks (day) WHERE networks <> '{}';
CREATE INDEX public_checks_of_strangers ON public_checks (last_seen) WHERE NOT known;

CREATE TABLE public_check_salts (
    day  date PRIMARY KEY,
    salt bytea NOT NULL
);

-- The one door through which a check sees an item. It runs under countermark_api with no site in its scope, so that row-level security hides
-- every row of every table from it; this function shows of one item what the answer needs, and nothing of where it is or was sold.
-- The scope is widened inside, and put back, because an owner who is no superuser may not fix such a setting to a function.
CREATE FUNCTION public_item(asked text)
RETURNS TABLE (state text, unissued boolean, recalled boolean, batch text, expiry date)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    scope text := coalesce(current_setting('countermark.sites', true), '');
BEGIN
    PERFORM set_config('countermark.sites', '*', true);
    RETURN QUERY SELECT i.state, i.unissued, i.state = 'recalled' OR coalesce(i.next_state = 'recalled', false), i.batch, i.expiry
                   FROM items i WHERE i.item = asked;
    PERFORM set_config('countermark.sites', scope, true);
END
$$;
REVOKE ALL ON FUNCTION public_item(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public_item(text) TO countermark_api;
GRANT SELECT ON public_checks TO countermark_api;
