-- Divided by when it was received. That (journal, seq) is there once is kept by the cursors, which are locked by whoever adds to it.
SELECT set_aside('events');
CREATE TABLE events (
    LIKE events_set_aside INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,
    CONSTRAINT events_pkey PRIMARY KEY (journal, seq, site_id, received_at)
) PARTITION BY RANGE (received_at);
ALTER TABLE events DROP CONSTRAINT IF EXISTS before_boundary;
CREATE INDEX events_of_site ON events (site_id, received_at);
SELECT take_in('events');
