"""Dealers as a tree, and the sites where goods are kept and sold."""
