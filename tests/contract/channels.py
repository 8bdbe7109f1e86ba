"""The channels that the suite runs over. A new channel is one class beside this file and one line here."""

from tests.contract.channel import ChannelUnderTest
from tests.contract.douyin import Douyin
from tests.contract.pinduoduo import Pinduoduo

CHANNELS: tuple[ChannelUnderTest, ...] = (Pinduoduo(), Douyin())
