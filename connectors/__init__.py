"""The registry: every channel this product speaks to, by its code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from connectors import douyin, jd, pinduoduo, taobao
from connectors.douyin.connector import DouyinConnector
from connectors.douyin.messages import DouyinReader
from connectors.http import Http
from connectors.jd.connector import JdConnector
from connectors.jd.messages import jd_source
from connectors.pinduoduo.connector import PinduoduoConnector
from connectors.pinduoduo.messages import PinduoduoSession
from connectors.taobao.connector import TaobaoConnector
from connectors.taobao.messages import TaobaoSession, TaobaoSource
from core.channel import Channel, Connector
from core.clock import Clock
from core.notices import AppAccess, Reader, Session, Source

__all__ = ["CHANNELS", "Adapter", "Http"]


@dataclass(frozen=True)
class Adapter:
    """A channel with the classes that implement it.

    `reader` takes the secret of every app by its key. `session` takes one app's key and secret, the push gateway
    (scheme://host:port) and the clock. `source` answers None where this installation has none to fetch from; beside a
    session it stands in while the connection cannot be had.
    """

    channel: Channel
    connector: type[Connector]
    reader: Callable[[Mapping[str, SecretStr]], Reader] | None = None
    session: Callable[[str, SecretStr, str, Clock], Session] | None = None
    source: Callable[[AppAccess], Source | None] | None = None


CHANNELS: dict[str, Adapter] = {
    "pinduoduo": Adapter(pinduoduo.CHANNEL, PinduoduoConnector, session=PinduoduoSession),
    "douyin": Adapter(douyin.CHANNEL, DouyinConnector, reader=DouyinReader),
    "jd": Adapter(jd.CHANNEL, JdConnector, source=jd_source),
    "taobao": Adapter(taobao.CHANNEL, TaobaoConnector, session=TaobaoSession, source=TaobaoSource),
}
