"""`qudao budgets` says what is allowed, used and held back."""

import redis

from core.channel import Call, Scope
from sync.limits import RedisGate
from tests.cli.conftest import Qudao


def test_budgets_show_what_a_refusal_has_done(qudao: Qudao, redis_url: str) -> None:
    assert qudao("budgets", QUDAO_REDIS_URL=redis_url).err.startswith("no call was made or refused lately")
    with redis.Redis.from_url(redis_url) as connection:
        gate = RedisGate(connection, {}, longest_wait=1)
        gate.refused(Call("taobao", "app", "taobao:7", "taobao.trade.fullinfo.get"), 600, Scope.APP, every_method=True)
    [budget] = qudao("budgets", "--json", QUDAO_REDIS_URL=redis_url).json
    assert (budget["channel"], budget["app"], budget["shop"], budget["method"]) == ("taobao", "app", "*", "*")
    assert budget["declared_per_s"] == 40
    assert 27 < budget["allowed_per_s"] < 29
    assert budget["held_until"]


def test_without_redis_there_is_nothing_to_show(qudao: Qudao) -> None:
    assert qudao("budgets", QUDAO_REDIS_URL="redis://127.0.0.1:1").code != 0
