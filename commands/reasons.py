"""Why somebody looks at people's data or takes it away: asked for, checked, kept by the audit log."""

from typing import Annotated

import typer

from commands.terminal import USAGE, Stop


def checked(reason: str) -> str:
    """What the audit log takes, before anything is done."""
    from core.db import audit

    if not 0 < len(reason.strip()) <= audit.LONGEST_REASON or audit.personal(reason):
        raise Stop("a reason is short and holds no number of a person", "理由应简短且不含个人信息", USAGE)
    return reason


Reason = Annotated[
    str,
    typer.Option(
        prompt="What for · 用途说明",
        callback=checked,
        help="Kept in the audit log; no personal data · 记入审计日志，勿含个人信息。",
    ),
]
