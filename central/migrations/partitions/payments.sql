-- Divided by the site's day.
SELECT set_aside('payments');
CREATE TABLE payments (
    LIKE payments_set_aside INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,
    CONSTRAINT payments_pkey PRIMARY KEY (site_id, business_day, journal, seq, line)
) PARTITION BY RANGE (business_day);
ALTER TABLE payments DROP CONSTRAINT IF EXISTS before_boundary;
CREATE INDEX payments_of_journal ON payments (site_id, journal, seq);
CREATE INDEX payments_unknown ON payments (site_id, sale_id) WHERE method = 'unknown';
SELECT take_in('payments');
