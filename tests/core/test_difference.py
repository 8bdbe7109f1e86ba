"""Two versions of a value, field by field, with nothing personal in what is told."""

from core.difference import WITHHELD, Difference, differences
from core.model import Masked, Memo, Receiver
from core.status import Fact, Payment
from tests.canonical import line, order


def body(**changes: object) -> str:
    return order(**changes).model_dump_json()


def test_what_is_the_same_does_not_differ() -> None:
    assert differences(body(), body(updated_at=order().created_at)) == ()


def test_a_new_thing_differs_in_its_status() -> None:
    assert differences(None, body()) == (Difference("status", None, "to_ship"),)


def test_fields_are_named_by_their_path() -> None:
    old = body(payment=Fact[Payment](value=Payment.UNPAID, raw="0"), lines=(line(1), line(2)))
    new = body(lines=(line(1, title="tea"),))
    told = {each.field: (each.before, each.after) for each in differences(old, new)}
    assert told["payment.value"] == ("unpaid", "paid")
    assert told["lines[0].title"] == ("", "tea")
    assert told["status"] == ("unpaid", "to_ship")
    before, after = told["lines[1]"]
    assert (before["id"], after) == ("o1-2", None)


def test_personal_values_are_withheld() -> None:
    name = Masked(mask="张*", cipher="c1")
    old = body(memo=Memo(text="call her"), buyer_note="ring twice", receiver=Receiver(name=name, oaid="x"))
    new = body(memo=Memo(text="do not call"), buyer_id="b", receiver=Receiver(name=Masked(mask="李*", cipher="c2")))
    found = differences(old, new)
    told = {each.field: (each.before, each.after) for each in found}
    assert told["memo.text"] == (WITHHELD, WITHHELD)
    assert told["buyer_note"] == (WITHHELD, None)
    assert told["buyer_id"] == (None, WITHHELD)
    assert told["receiver.name.mask"] == ("张*", "李*")
    for secret in ("call her", "do not call", "ring twice", "c1", "c2"):
        assert secret not in str(found)


def test_a_whole_part_that_goes_withholds_what_is_in_it() -> None:
    def told(*items: str) -> str:
        return '{"receivers": [' + ",".join(items) + '], "status": "x"}'

    [gone] = differences(
        told('{"name": {"mask": "张*", "cipher": "c1"}}', '{"a": 1}'), told('{"name": {"mask": "张*", "cipher": "c1"}}')
    )
    assert gone == Difference("receivers[1]", {"a": 1}, None)
    [gone] = differences(told('{"a": 1}', '{"name": {"cipher": "c1"}}'), told('{"a": 1}'))
    assert gone.before == {"name": {"cipher": WITHHELD}}
