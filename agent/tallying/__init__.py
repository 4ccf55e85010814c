"""What was scanned in one place or for one purpose, added up: goods, coded items once each, cases with all that is in them."""
