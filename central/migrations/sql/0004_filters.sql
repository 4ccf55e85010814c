-- Filters of items that were sold, recalled or stolen: which items are in which layer, and what has left it since it was built.

-- By which transaction a step was written. A build asks for what was written since its horizon, which is the oldest transaction that
-- was under way when the last build looked: what commits late is younger than that horizon and is seen by the next build. A time
-- or a number of a sequence cannot do that: both are taken before the commit.
ALTER TABLE item_trace ADD COLUMN written_by xid8 NOT NULL DEFAULT pg_current_xact_id();
-- Only the steps that can change a set. The view says so in the same words, so that the index serves it.
CREATE INDEX item_trace_of_sets ON item_trace (written_by)
    WHERE to_state IN ('sold', 'sold_provisionally', 'recalled', 'stolen')
       OR from_state IN ('sold', 'sold_provisionally', 'recalled', 'stolen');
CREATE VIEW filter_changes AS
    SELECT item, written_by FROM item_trace
    WHERE to_state IN ('sold', 'sold_provisionally', 'recalled', 'stolen')
       OR from_state IN ('sold', 'sold_provisionally', 'recalled', 'stolen');

-- How far each set was built. A horizon means something in the cluster of its transactions alone.
CREATE TABLE filter_sets (
    kind     text PRIMARY KEY,
    cluster  bigint NOT NULL, -- its system identifier
    horizon  xid8 NOT NULL,
    built_at timestamptz NOT NULL
);

CREATE TABLE filter_layers (
    kind     text NOT NULL,
    layer    smallint NOT NULL,
    items    bigint NOT NULL, -- in its bits, those that have gone since among them
    as_of_us bigint NOT NULL,
    digests  bytea NOT NULL,
    key_id   text NOT NULL,
    PRIMARY KEY (kind, layer)
);

CREATE TABLE filter_members (
    item  text NOT NULL,
    kind  text NOT NULL,
    layer smallint NOT NULL, -- -1: not in the bits of any yet
    since timestamptz NOT NULL,
    PRIMARY KEY (item, kind)
);
CREATE INDEX filter_members_of_layer ON filter_members (kind, layer);

CREATE TABLE filter_gone (
    kind     text NOT NULL,
    layer    smallint NOT NULL,
    position bigint NOT NULL, -- from 0, without a gap
    item     text NOT NULL,
    PRIMARY KEY (kind, layer, position)
);
