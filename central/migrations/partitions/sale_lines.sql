-- Divided by the site's day.
SELECT set_aside('sale_lines');
CREATE TABLE sale_lines (
    LIKE sale_lines_set_aside INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,
    CONSTRAINT sale_lines_pkey PRIMARY KEY (site_id, journal, seq, line, business_day)
) PARTITION BY RANGE (business_day);
ALTER TABLE sale_lines DROP CONSTRAINT IF EXISTS before_boundary;
CREATE INDEX sale_lines_of_day ON sale_lines (site_id, business_day);
CREATE INDEX sale_lines_of_sale ON sale_lines (site_id, sale_id);
SELECT take_in('sale_lines');
