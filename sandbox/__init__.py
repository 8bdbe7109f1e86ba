"""Simulated platforms on their official paths. Imports nothing of the other packages: only the wire is common."""
