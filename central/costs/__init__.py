"""What a unit of each product costs the brand, from a date on: the worth of goods of which no document says it."""
