"""Every way in which a text may lie in a file, a log line or a statement, and where it does."""

import base64
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus


def spellings(text: str) -> set[bytes]:
    """As it is, escaped as JSON, Python, Redis' monitor and URLs do, and inside base64 at any offset."""
    plain = text.encode()
    escaped = json.dumps(text)[1:-1]
    hexed = "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in plain)
    found = {plain, text.encode("utf-16-le"), quote(text).encode(), quote_plus(text).encode(), hexed.encode()}
    found |= {escaped.encode(), escaped.upper().replace("\\U", "\\u").encode(), escaped.replace("\\", "\\\\").encode()}
    for offset in range(3):  # only whole groups: what stands beside it decides about the others
        end = offset + (len(plain) - offset) // 3 * 3
        found |= {base64.b64encode(plain[offset:end]), base64.urlsafe_b64encode(plain[offset:end])}
    return {each for each in found if len(each) >= 5}


def found_in(places: Mapping[str, bytes], people: Iterable[str]) -> list[tuple[str, str]]:
    """(place, what stands there), wherever one of these stands."""
    wanted = {spelling: text for text in people for spelling in spellings(text)}
    return sorted(
        {(name, text) for name, content in places.items() for spelling, text in wanted.items() if spelling in content}
    )
