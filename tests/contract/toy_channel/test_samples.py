"""What the toy's samples become: canonical values and typed errors."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import NotYet, Reauthorize
from core.model import Flag, Payer
from core.status import AfterSaleState, Fulfilment, Payment
from tests.contract.toy_channel import mapping, wire
from tests.contract.toy_channel.errors import ERRORS


def sample(name: str) -> Any:
    return json.loads((Path(__file__).parent / "fixtures" / f"{name}.json").read_text(encoding="utf-8"))


def test_an_order() -> None:
    order = mapping.order("toy:5001", wire.Order.model_validate(sample("orders.get.response")["data"]))
    assert (order.payment.value, order.fulfilment.value) == (Payment.PAID, Fulfilment.SHIPPED)
    assert order.after_sale.value is AfterSaleState.REQUESTED
    assert (order.money.goods, order.money.pay, order.money.receivable) == (5980, 6180, 6280)
    assert {share.payer: share.amount for share in order.money.discounts} == {Payer.SELLER: 200, Payer.PLATFORM: 100}
    assert order.warnings == ()
    assert (order.parcels[0].carrier, order.memo.flag) == ("SF", Flag.RED)
    assert (order.receiver.gb_code, order.receiver.phone.mask) == ("330106", "170****0001")


@pytest.mark.parametrize(("name", "kind"), [("error.held", NotYet), ("error.token_expired", Reauthorize)])
def test_a_refusal(name: str, kind: type[Exception]) -> None:
    assert ERRORS[sample(name)["error"]] is kind
