"""Canonical carrier codes. Which id or code a channel uses for each is in that channel's mapping."""

from enum import StrEnum


class Carrier(StrEnum):
    """A delivery company, by the code an ERP uses."""

    SF = "SF"
    ZTO = "ZTO"
    YTO = "YTO"
    STO = "STO"
    YUNDA = "YUNDA"
    JT = "JT"
    EMS = "EMS"
    CHINA_POST = "CHINA_POST"
    JD = "JD"
    DEPPON = "DEPPON"
    BEST = "BEST"
    KUAYUE = "KUAYUE"
    ANNENG = "ANNENG"


CODES = frozenset(carrier.value for carrier in Carrier)
"""All canonical codes, as an ERP writes them."""
