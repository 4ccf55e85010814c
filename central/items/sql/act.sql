-- Do one thing to many items: the states change, each change stands in the trace, and the counts come back by where the items were.
-- A sold item cannot be recalled any more; it is marked, so that it does not go back on the shelf when a customer brings it back.
WITH legal (from_state, to_state) AS (
    SELECT * FROM unnest(%(from_states)s::text[], %(to_states)s::text[])
), before AS (
    SELECT item, gtin, state, site_id, next_state, container
      FROM items
     WHERE item IN (
               SELECT item FROM items WHERE item = ANY (%(items)s::text[])
               UNION ALL
               SELECT item FROM items WHERE gtin = %(gtin)s::bpchar AND batch = %(batch)s::text)
     ORDER BY item
       FOR UPDATE
), changed AS (
    UPDATE items SET
        state = CASE WHEN %(action)s::text = 'release' AND before.next_state = ANY (%(returns_to)s::text[]) THEN before.next_state
                     ELSE legal.to_state END,
        next_state = CASE WHEN %(action)s::text NOT IN ('hold', 'recall') THEN NULL
                          WHEN before.state IN ('held', 'recalled') THEN before.next_state
                          ELSE before.state END,
        container = CASE WHEN %(leaves_its_case)s::boolean THEN NULL ELSE items.container END,
        updated_at = %(at)s::timestamptz
      FROM before JOIN legal ON legal.from_state = before.state
     WHERE items.item = before.item
    RETURNING items.item, items.gtin, items.site_id, before.state AS from_state, items.state AS to_state, before.next_state,
        CASE WHEN items.container IS NULL THEN before.container END AS opened
), marked AS (
    UPDATE items SET next_state = CASE WHEN %(action)s::text = 'recall' THEN 'recalled' END, updated_at = %(at)s::timestamptz
      FROM before
     WHERE items.item = before.item AND before.state IN ('sold', 'sold_provisionally')
       AND ((%(action)s::text = 'recall' AND before.next_state IS DISTINCT FROM 'recalled')
            OR (%(action)s::text = 'release' AND before.next_state IN ('held', 'recalled')))
    RETURNING items.item
), traced AS (
    INSERT INTO item_trace (item, action, from_state, to_state, legal, note, site_id, document, event_time, recorded_at)
    SELECT item, %(action)s::text, from_state, to_state, true, %(reason)s::text, site_id, %(document)s::text, %(at)s::timestamptz, %(at)s::timestamptz FROM changed
)
SELECT from_state, to_state, site_id, gtin, next_state, count(*), array_agg(DISTINCT opened) FILTER (WHERE opened IS NOT NULL)
  FROM changed GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT state, NULL, NULL, NULL, CASE WHEN marked.item IS NOT NULL THEN 'marked' END, count(*), NULL
  FROM before LEFT JOIN marked USING (item)
 WHERE state NOT IN (SELECT from_state FROM legal) GROUP BY 1, 5
