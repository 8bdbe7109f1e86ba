"""The registry: every simulated platform, by its code. A new one is one folder beside these and one line here."""

from . import douyin, jd, pinduoduo, taobao
from .platform import Platform
from .profile import Profile

PLATFORMS: dict[str, type[Platform]] = {
    "pinduoduo": pinduoduo.Platform,
    "douyin": douyin.Platform,
    "jd": jd.Platform,
    "taobao": taobao.Platform,
}
"""Append: the order is part of what a seed means."""


def profiles() -> list[Profile]:
    """What the world is told of them."""
    return [platform.profile for platform in PLATFORMS.values()]
