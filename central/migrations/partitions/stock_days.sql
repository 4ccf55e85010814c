-- Divided by the site's day.
SELECT set_aside('stock_days');
CREATE TABLE stock_days (
    LIKE stock_days_set_aside INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,
    CONSTRAINT stock_days_pkey PRIMARY KEY (site_id, business_day, gtin, flow)
) PARTITION BY RANGE (business_day);
ALTER TABLE stock_days DROP CONSTRAINT IF EXISTS before_boundary;
SELECT take_in('stock_days');
