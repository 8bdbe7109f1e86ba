"""The channels that the suite runs over. A new channel is one class beside this file and one line here."""

from core.channel import Push
from tests.contract.channel import ChannelUnderTest
from tests.contract.douyin import Douyin
from tests.contract.jd import Jd
from tests.contract.pinduoduo import Pinduoduo
from tests.contract.taobao import Taobao, Tmall

CHANNELS: tuple[ChannelUnderTest, ...] = (Pinduoduo(), Douyin(), Jd(), Taobao(), Tmall())


def by_push(push: Push) -> list[ChannelUnderTest]:
    """The channels whose notices arrive in this way."""
    return [channel for channel in CHANNELS if channel.channel.push is push]
