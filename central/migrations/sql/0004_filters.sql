-- Filters of items that were sold, recalled or stolen.
SELECT 1;
