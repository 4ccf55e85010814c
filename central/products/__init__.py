"""The catalogue: what is sold, under which GTIN."""
