"""Measured claims: python -m bench.<name> prints a table and JSON."""
