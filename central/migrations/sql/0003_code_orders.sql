-- Keys that sign item codes, and the orders by which codes are issued.
SELECT 1;
