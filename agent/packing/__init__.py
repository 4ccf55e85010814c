"""Cases and pallets: what is in them as known here, and putting goods into them or taking them out."""
