"""The TMC calls over HTTP: permits, groups, and the message queues that are polled.

The long link to the same queues is `longlink.py`, what is published `messages.py`. The group `default` is the outbox's
unnamed queue.
"""

import hashlib
import json
import re
from typing import Any

from ..model import Shop
from ..world import World
from . import errors
from .call import CHANNEL, Api, Call
from .messages import TOPICS
from .values import instant, listed, when, when_known

DEFAULT = "default"
PUBLISHER = "12400001"
"""The app key the platform publishes with."""
_NAME = re.compile(r"[A-Za-z0-9_\-]{1,32}")


def queue_name(group: str) -> str:
    """The outbox queue of a group."""
    return "" if group == DEFAULT else group


def knows(world: World, group: str) -> bool:
    """Whether the app has the group."""
    return group == DEFAULT or group in world.outboxes[CHANNEL].queues


def auth_token(world: World, group: str) -> str:
    """What newer clients put into CONNECT; opaque, one per app and group (inferred)."""
    app = world.apps[CHANNEL]
    return hashlib.sha256(f"{app.secret}{app.key}{group}".encode()).hexdigest()


def permit(call: Call) -> dict[str, Any]:
    """taobao.tmc.user.permit: the topics replace the earlier ones; left out = all of the app's."""
    topics = frozenset(call.params.words("topics", 100)) if "topics" in call.params else TOPICS
    if not topics <= TOPICS:
        raise errors.business("isv.invalid-parameter:topics", "topic未订阅")
    shop = call.shop
    shop.permitted_at = shop.permitted_at if shop.topics is not None else call.world.now()
    shop.topics, shop.topics_changed = topics, call.world.now()
    return {"is_success": True}


def permitted(call: Call) -> dict[str, Any]:
    """taobao.tmc.user.get: no `tmc_user` for a nick that was never permitted (inferred)."""
    fields = call.params.words("fields")
    shop = _shop(call, call.params.required("nick"))
    if shop is None or shop.topics is None:
        return {}
    user = {
        "user_id": int(shop.shop_id),
        "user_nick": shop.name,
        "group_name": call.world.outboxes[CHANNEL].queue_of.get(shop.shop_id) or DEFAULT,
        "is_valid": call.world.is_authorised(shop),
        "created": when_known(shop.permitted_at),
        "modified": when_known(shop.topics_changed or shop.permitted_at),
        "topics": {"string": sorted(shop.topics)},
    }
    return {"tmc_user": {name: value for name, value in user.items() if name in fields}}


def cancel(call: Call) -> dict[str, Any]:
    """taobao.tmc.user.cancel"""
    shop = _shop(call, call.params.required("nick"))
    if shop is None:
        raise errors.business("isv.user-not-exist:invalid-nick", "用户不存在")
    shop.topics = shop.permitted_at = shop.topics_changed = None
    return {"is_success": True}


def _shop(call: Call, nick: str) -> Shop | None:
    return next((shop for shop in call.world.shops[CHANNEL].values() if shop.name == nick), None)


def add_group(call: Call) -> dict[str, Any]:
    """taobao.tmc.group.add: makes the group when it is new and moves these users into it; what is queued stays."""
    name = call.params.required("group_name")
    if not _NAME.fullmatch(name) or name.startswith(DEFAULT):
        raise errors.invalid("group_name")
    shops = [_shop(call, nick) for nick in call.params.words("nicks", 200)]
    outbox = call.world.outboxes[CHANNEL]
    for shop in shops:
        if shop is None:
            raise errors.business("isv.user-not-exist:invalid-nick", "用户不存在")
    created = outbox.queues.setdefault(name, call.world.now())
    outbox.queue_of |= {shop.shop_id: name for shop in shops if shop is not None}
    return {"group_name": name, "created": when(created)}


def backlog(call: Call) -> dict[str, Any]:
    """taobao.tmc.queue.get: what was written to and read from the queue today."""
    group = _group(call, call.params.required("group_name"))
    world = call.world
    midnight = instant(f"{when(world.now())[:10]} 00:00:00")
    pushes = [push for push in world.outboxes[CHANNEL].pushes if push.queue == queue_name(group) and not push.dropped]
    row = {
        "broker_name": "tmc-broker-0",
        "name": group,
        "put_toal": sum(push.created >= midnight for push in pushes),
        "get_total": sum(at >= midnight for push in pushes for at in push.deliveries),
    }
    return {"datas": {"tmc_queue_info": [row]}}


def connection_token(call: Call) -> dict[str, Any]:
    """taobao.tmc.auth.get"""
    return {"result": auth_token(call.world, _group(call, call.params.text("group", DEFAULT)))}


def consume(call: Call) -> dict[str, Any]:
    """taobao.tmc.messages.consume: what is due of one group; unconfirmed it comes again later."""
    group = _group(call, call.params.text("group_name", DEFAULT))
    quantity = call.params.integer("quantity", 100, low=10, high=200)
    world, outbox = call.world, call.world.outboxes[CHANNEL]
    rows = []
    for push in outbox.due(quantity, queue_name(group)):
        shop = world.shops[CHANNEL][push.shop_id]
        rows.append(
            {
                "id": int(outbox.sent(push)),
                "user_id": int(shop.shop_id),
                "user_nick": shop.name,
                "topic": push.topic,
                "content": json.dumps(push.payload, ensure_ascii=False, separators=(",", ":")),
                "pub_time": when(push.created),
                "pub_app_key": PUBLISHER,
            }
        )
    return {"messages": listed("tmc_message", rows)}


def confirm(call: Call) -> dict[str, Any]:
    """taobao.tmc.messages.confirm: ids nobody knows are a success, too (inferred)."""
    _group(call, call.params.text("group_name", DEFAULT))
    ids = call.params.words("s_message_ids", 200)
    if not all(each.isdigit() for each in ids):
        raise errors.invalid("s_message_ids")
    for wire_id in ids:
        call.world.outboxes[CHANNEL].acked(wire_id)
    return {"is_success": True}


def _group(call: Call, name: str) -> str:
    if not knows(call.world, name):
        raise errors.business("isv.invalid-parameter:group_name", "分组不存在")
    return name


METHODS = {
    "taobao.tmc.user.permit": Api(permit),
    "taobao.tmc.user.get": Api(permitted, session=False),
    "taobao.tmc.user.cancel": Api(cancel, session=False),
    "taobao.tmc.group.add": Api(add_group, session=False),
    "taobao.tmc.queue.get": Api(backlog, session=False),
    "taobao.tmc.auth.get": Api(connection_token, session=False),
    "taobao.tmc.messages.consume": Api(consume, session=False),
    "taobao.tmc.messages.confirm": Api(confirm, session=False),
}
