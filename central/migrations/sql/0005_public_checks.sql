-- Checks of item codes by the public.
SELECT 1;
