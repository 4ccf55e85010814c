-- Divided by when central learned of it. That a document is booked once is kept by booked_documents.
DROP INDEX movements_of_document;
SELECT set_aside('movements');
CREATE TABLE movements (
    LIKE movements_set_aside INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,
    CONSTRAINT movements_pkey PRIMARY KEY (site_id, movement_id, recorded_at)
) PARTITION BY RANGE (recorded_at);
ALTER TABLE movements DROP CONSTRAINT IF EXISTS before_boundary;
ALTER SEQUENCE movements_movement_id_seq OWNED BY movements.movement_id;
CREATE INDEX movements_of_day ON movements (site_id, business_day, gtin);
CREATE INDEX movements_of_product ON movements (site_id, gtin, movement_id);
CREATE INDEX movements_of_document ON movements (site_id, document) WHERE document IS NOT NULL;
CREATE INDEX movements_of_adjustments ON movements (site_id, business_day)
    WHERE starts_with(source, 'adjustment:') OR starts_with(destination, 'adjustment:');
SELECT take_in('movements');
