"""Simulated shop platforms that speak the official wire protocols, so that clients can be built without an account.

Imports nothing of the product: two independent readings of the platform documentation meet on the wire.
"""
