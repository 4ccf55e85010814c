-- The sites whose feeds must hear of these items: where they are, were sold, and have ever been.
WITH chosen AS (
    SELECT item, site_id, sold_site_id FROM items WHERE item = ANY (%(items)s::text[])
    UNION ALL
    SELECT item, site_id, sold_site_id FROM items WHERE gtin = %(gtin)s::bpchar AND batch = %(batch)s::text
)
SELECT site_id FROM chosen WHERE site_id IS NOT NULL
UNION
SELECT sold_site_id FROM chosen WHERE sold_site_id IS NOT NULL
UNION
SELECT t.site_id FROM chosen JOIN item_trace t USING (item) WHERE t.site_id IS NOT NULL
