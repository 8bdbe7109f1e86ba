"""Text of others made fit for us: without U+0000, which PostgreSQL takes in no text, and without mobile numbers."""

import re


def visible(text: str) -> str:
    """The same text with U+FFFD, the sign for what cannot be shown, for each U+0000 in it."""
    return text.replace("\0", "\ufffd")


_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)", re.ASCII)


def masked(text: str) -> str:
    """Words of somebody else with the middle of every mobile number hidden, fit for an error or a log."""
    return _MOBILE.sub(r"\1****\2", text)
