"""JD's one proof: the MD5 signature of a call to the router. Pure.

Nothing the platform sends us is signed, so there is nothing to verify here.
"""

import hashlib
import json
from collections.abc import Mapping


def text(params: Mapping[str, object]) -> str:
    """The business parameters as the one text that is both signed and sent: compact, sorted, not escaped."""
    return json.dumps(params, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def sign(params: Mapping[str, str], secret: str) -> str:
    """The `sign` of a call, over every parameter that is sent but itself; empty ones are skipped. Upper-case hex."""
    joined = "".join(f"{name}{params[name]}" for name in sorted(params) if name and params[name])
    # The gateway knows no other method; the flag lets it run where MD5 is barred for our own security.
    return hashlib.md5(f"{secret}{joined}{secret}".encode(), usedforsecurity=False).hexdigest().upper()
