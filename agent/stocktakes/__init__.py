"""Counting the shop: the stocktakes of this site, area by area, while the sales go on."""
