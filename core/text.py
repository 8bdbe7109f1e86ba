"""U+0000 in what a platform sends: PostgreSQL takes it in no text, and an ERP's database may be PostgreSQL as well."""


def visible(text: str) -> str:
    """The same text with U+FFFD, the sign for what cannot be shown, for each U+0000 in it."""
    return text.replace("\0", "\ufffd")
