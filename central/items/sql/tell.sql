-- The rows of these items in the items feeds of all their sites, as one statement. The heads of the feeds are locked.
WITH chosen AS (
    SELECT * FROM items WHERE item = ANY (%(items)s::text[])
    UNION ALL
    SELECT * FROM items WHERE gtin = %(gtin)s::bpchar AND batch = %(batch)s::text
), concerned (item, scope) AS (
    SELECT item, site_id FROM chosen WHERE site_id IS NOT NULL
    UNION
    SELECT item, sold_site_id FROM chosen WHERE sold_site_id IS NOT NULL
    UNION
    SELECT item, t.site_id FROM chosen JOIN item_trace t USING (item) WHERE t.site_id IS NOT NULL
), bodies AS MATERIALIZED (
    -- What nobody has issued is no counter's to sell: such an item is told only once it has been sold or stopped.
    SELECT item, CASE WHEN NOT (unissued AND state IN ('sellable', 'in_transit', 'commissioned'))
                      THEN item_feed_body(item, gtin::text, state, site_id, expiry, sold_at, sold_site_id) END AS body
      FROM chosen
), digested AS MATERIALIZED (
    SELECT item, body, coalesce(feed_row_digest(item, body), 0) AS digest FROM bodies
), moved AS (
    SELECT concerned.scope, item, digested.body, digested.digest, coalesce(kept.digest, 0) AS before
      FROM concerned
      JOIN digested USING (item)
      LEFT JOIN feed_rows kept ON kept.feed = %(feed)s::text AND kept.scope = concerned.scope AND kept.key = item
     WHERE coalesce(kept.digest, 0) <> digested.digest
), written AS (
    INSERT INTO feed_rows (feed, scope, key, version, digest, body)
    SELECT %(feed)s::text, scope, item, head.version + row_number() OVER (PARTITION BY scope ORDER BY item), moved.digest, body
      FROM moved JOIN feed_heads head USING (scope)
     WHERE head.feed = %(feed)s::text
    ON CONFLICT (feed, scope, key) DO UPDATE
       SET version = excluded.version, digest = excluded.digest, body = excluded.body
), change AS (
    SELECT scope, count(*) AS rows, sum(digest) - sum(before) AS digest FROM moved GROUP BY scope
)
UPDATE feed_heads AS head
   SET version = head.version + change.rows,
       digest = mod(mod(head.digest + change.digest, 18446744073709551616) + 18446744073709551616, 18446744073709551616)
  FROM change
 WHERE head.feed = %(feed)s::text AND head.scope = change.scope
RETURNING head.scope, head.version
