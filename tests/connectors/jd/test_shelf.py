"""Listings on and off sale: the call that is made, and what its refusals mean."""

from typing import Any

import pytest

from connectors.jd import wire
from core.errors import Conflict, Invalid, NotFound, OutcomeUnknown
from tests.connectors.jd.kit import Playback, sample, shop, wrapped

WARE = "10001234567"


@pytest.mark.parametrize(("on", "kind"), [(True, 1), (False, 2)])
def test_the_documented_call(on: bool, kind: int) -> None:
    transport = Playback({wire.UP_OR_DOWN: sample("item.up_down.response")})
    outcome = shop(transport).set_shelf(WARE, on=on)
    assert (outcome.item, outcome.error) == (WARE, None)
    [told] = transport.business(wire.UP_OR_DOWN)
    form = sample("item.up_down.request")["business"]
    assert told.keys() == form.keys()
    assert (told["wareId"], told["opType"]) == (form["wareId"], kind)
    assert transport.requests[0].write


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"success": False, "errorMessage": "商品审核中"}, Conflict),
        ({"success": False, "errorMessage": "商品不存在"}, NotFound),
        ({"success": False, "errorMessage": "系统异常"}, OutcomeUnknown),
        ({}, OutcomeUnknown),
    ],
)
def test_refusals(answer: dict[str, Any], kind: type[Exception]) -> None:
    outcome = shop(Playback({wire.UP_OR_DOWN: wrapped(wire.UP_OR_DOWN, answer)})).set_shelf(WARE, on=True)
    assert type(outcome.error) is kind
    assert (outcome.error.channel, outcome.error.shop) == ("jd", "jd:10000001")


def test_an_id_that_cannot_be_one_is_not_asked_for() -> None:
    transport = Playback()
    assert isinstance(shop(transport).set_shelf("x", on=True).error, Invalid)
    assert transport.asked == []
