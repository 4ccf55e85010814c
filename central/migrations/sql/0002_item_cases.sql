-- Cases and pallets, settlement of provisional sales, signals about items.
SELECT 1;
