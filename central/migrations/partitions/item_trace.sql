-- Divided by when central learned of it. The view is locked before its table, as its readers do.
LOCK TABLE filter_changes IN ACCESS EXCLUSIVE MODE;
DROP VIEW filter_changes;
SELECT set_aside('item_trace');
CREATE TABLE item_trace (
    LIKE item_trace_set_aside INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,
    CONSTRAINT item_trace_pkey PRIMARY KEY (item, trace_id, recorded_at)
) PARTITION BY RANGE (recorded_at);
ALTER TABLE item_trace DROP CONSTRAINT IF EXISTS before_boundary;
ALTER SEQUENCE item_trace_trace_id_seq OWNED BY item_trace.trace_id;
CREATE INDEX item_trace_of_sets ON item_trace (written_by)
    WHERE to_state IN ('sold', 'sold_provisionally', 'recalled', 'stolen')
       OR from_state IN ('sold', 'sold_provisionally', 'recalled', 'stolen');
CREATE VIEW filter_changes AS
    SELECT item, written_by FROM item_trace
    WHERE to_state IN ('sold', 'sold_provisionally', 'recalled', 'stolen')
       OR from_state IN ('sold', 'sold_provisionally', 'recalled', 'stolen');
SELECT take_in('item_trace');
