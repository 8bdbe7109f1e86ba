"""Field by field: every documented answer about orders, shipping, shop and privacy against what the sandbox says."""

import base64
import json
from typing import Any

import pytest

from sandbox.jd import receiver, tde
from tests.sandbox.jd_kit import Keeper, differences, sample

VECTORS = sample("tde-vectors")
EVERYTHING = sample("order.list.request")["business"]["optional_fields"]


def story() -> tuple[Keeper, dict[str, Any]]:
    """Every sampled call, asked of a shop in which it has an answer."""
    keeper = Keeper()
    order = keeper.order("several")
    for line in order.lines:
        line.discounts.seller, line.discounts.platform = 200, 120
    keeper.world.set_memo(order, "客户要求周末送货", 3)
    keeper.world.advance(5)
    waiting = keeper.order(paid=False)
    number, fields = int(order.order_id), {"optional_fields": EVERYTHING}
    window = {"start_date": "2026-03-15 10:00:00", "end_date": "2026-03-15 11:00:00", "order_state": "ALL"}
    pages = {"page": "1", "page_size": "50", "sortType": 0, "dateType": 0}
    times = {"startTime": "2026-03-15 10:00:00", "endTime": "2026-03-15 11:00:00"}
    asked: dict[str, dict[str, Any]] = {
        "area.province": {},
        "logistics.company_list": sample("logistics.company_list.request")["business"],
        "order.list": window | pages | fields,
        "order.search_plain": window | pages | fields,
        "order.get": {"order_id": number} | fields,
        "order.unpaid_list": {
            "startDate": "2026-03-15 10:00:00",
            "endDate": "2026-03-15 11:00:00",
            "page": 1,
            "pageSize": 100,
        },
        "order.remark_get": {"order_id": number},
        "order.remark_list": times | {"page": 1, "sortTime": 1},
        "order.remark_update": {"order_id": int(waiting.order_id), "flag": 3, "remark": "加急"},
        "privacy.voucher": {},
        "privacy.master_key": sample("privacy.master_key.request")["business"],
        "privacy.oaid_decrypt": {
            "getReceiverInfoListReqVO": {"orderInfos": [{"orderId": number, "oaid": receiver.oaid(order)}]}
        },
        "shop.get": {},
        "vender.get": {},
        "waybill.accounts": {"vendorCode": "10000001"},
        "waybill.create": {"content": json.dumps(_content(order.order_id, receiver.oaid(order)))},
        "waybill.cancel": {"providerCode": "ZTO", "waybillCode": "75000000000001"},
        "order.partial_ship": _part(number, order.lines[0].sku_id),
        "order.waybill_update": _changed(number),
        "order.ship": {"orderId": number, "logiCoprId": "2087", "logiNo": "JDVA00000000001"},
        "logistics.trace": {"customerCode": "010K000000", "waybillCode": "JDVA00000000001"},
    }
    return keeper, asked


def _content(order_id: str, oaid: str) -> dict[str, Any]:
    sampled: dict[str, Any] = json.loads(sample("waybill.create.request")["business"]["content"])
    return sampled | {"platformOrderNo": order_id, "toAddress": {"oaid": oaid}}


def _part(order_id: int, sku_id: str) -> dict[str, Any]:
    business: dict[str, Any] = sample("order.partial_ship.request")["business"]
    entry = business["request"]["data"][0]
    entry["orderIds"] = [order_id]
    entry["deliveryNumberDtoList"][0]["partialShipmentGoodsList"][0] |= {"skuId": int(sku_id), "num": 1}
    return business


def _changed(order_id: int) -> dict[str, Any]:
    business: dict[str, Any] = sample("order.waybill_update.request")["business"]
    business["request"]["data"]["orderId"] = order_id
    return business


KEEPER, ASKED = story()
ANSWERS = {
    name: KEEPER.answer(sample(f"{name}.request")["form"]["method"], **business) for name, business in ASKED.items()
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_have_the_samples_fields_and_types(name: str) -> None:
    expected = sample(f"{name}.response")
    if name == "order.unpaid_list":
        assert ANSWERS[name]["jingdong_pop_order_notPayOrderInfo_responce"]["paginatedInfo"]["totalItem"] == 1
    assert differences(expected, ANSWERS[name]) == []


@pytest.mark.parametrize("name", ["order.remark_update", "order.ship", "order.waybill_update", "waybill.cancel"])
def test_plain_successes_are_the_samples(name: str) -> None:
    assert ANSWERS[name] == sample(f"{name}.response")


def test_the_voucher_is_the_samples() -> None:
    assert ANSWERS["privacy.voucher"] == sample("privacy.voucher.response")


def test_an_empty_list_is_the_samples() -> None:
    found = {"searchorderinfo_result": Keeper().search()}
    assert {"jingdong_pop_order_enSearch_responce": {"code": "0"} | found} == sample("order.list.empty.response")


def test_business_errors_are_the_samples() -> None:
    keeper = Keeper()
    order = keeper.order()
    missing = keeper.answer("jingdong.pop.order.enGet", order_id=1, optional_fields="orderId")
    assert missing == sample("order.get.not_found.response")
    wide = {"searchorderinfo_result": keeper.search(start_date="2026-01-15 10:00:00")}
    assert {"jingdong_pop_order_enSearch_responce": {"code": "0"} | wide} == sample("order.list.biz_error.response")
    assert keeper.ship(order)["success"]
    again = {"sopjosshipment_result": keeper.ship(order)}
    expected = sample("order.ship.biz_error.response")
    assert {"jingdong_pop_order_shipment_responce": {"code": "0"} | again} == expected


@pytest.mark.parametrize("vector", VECTORS["encrypt"], ids=lambda each: each["plaintext"])
def test_encryption_vectors(vector: dict[str, str]) -> None:
    assert tde.encrypt(vector["plaintext"], bytes.fromhex(vector["iv_hex"])) == vector["ciphertext_base64"]
    assert tde.decrypt(vector["ciphertext_base64"]) == vector["plaintext"]


@pytest.mark.parametrize("value", VECTORS["index"]["values"], ids=lambda each: each["plaintext"])
def test_index_vectors(value: dict[str, str]) -> None:
    assert tde.index(value["plaintext"]) == value["index"]


def test_the_served_key_is_the_vectors_and_opens_what_the_list_shows() -> None:
    key = ANSWERS["privacy.master_key"]["jingdong_jos_master_key_get_responce"]["response"]["service_key_list"][0]
    assert key["keys"][0]["key_string"] == VECTORS["key_string_base64"]
    assert key["keys"][0]["key_digest"] == VECTORS["key_digest_base64"]
    assert key["keys"][0]["id"] == VECTORS["key_id_base64"] == base64.b64encode(tde.KEY_ID).decode()
    keeper = Keeper()
    order = keeper.order()
    shown = keeper.told(order, "consigneeInfo")["consigneeInfo"]
    assert tde.decrypt(shown["fullname"]) == order.buyer.name
    assert tde.decrypt(shown["mobile"]) == order.buyer.phone
    assert tde.decrypt(shown["fullAddress"]).endswith(order.buyer.address.detail)
    masked = keeper.search("search", optional_fields="consigneeInfo")["orderInfoList"][0]["consigneeInfo"]
    text = json.dumps(masked, ensure_ascii=False)
    assert order.buyer.name not in text
    assert order.buyer.phone not in text
    assert order.buyer.address.detail not in text
    assert {name: masked[name] for name in ("oaid", "desen_mobile", "county")} == {
        name: shown[name] for name in ("oaid", "desen_mobile", "county")
    }


@pytest.mark.parametrize(
    ("changed", "code"), [({"sig": "x"}, 305), ({"ts": 1_773_541_230_000 - 361_000}, 304), ({"tid": "x"}, 306)]
)
def test_key_requests_are_checked(changed: dict[str, Any], code: int) -> None:
    business = sample("privacy.master_key.request")["business"] | changed
    assert Keeper().call("jingdong.jos.master.key.get", **business)["response"]["status_code"] == code


def test_oaids_open_only_their_order_and_only_with_permission() -> None:
    keeper = Keeper()
    mine, other = keeper.order(), keeper.order()
    method = "jingdong.jos.order.oaid.decrypt"
    infos = [
        {"orderId": int(mine.order_id), "oaid": receiver.oaid(mine)},
        {"orderId": int(other.order_id), "oaid": receiver.oaid(mine)},
    ]
    asked = {"getReceiverInfoListReqVO": {"orderInfos": infos}}
    opened = keeper.call(method, **asked)["response"]["data"]
    assert [(row["orderId"], row["customerName"]) for row in opened] == [(int(mine.order_id), mine.buyer.name)]
    keeper.world.change_settings({"jd_oaid_permission": False})
    assert keeper.refused(keeper.form(method, asked)) == 24


def test_oaid_merge_names_orders_of_one_receiver() -> None:
    keeper = Keeper()
    first = keeper.order()
    second, third = keeper.order(buyer=first.buyer), keeper.order()
    rows = [{"orderId": int(each.order_id), "oaid": receiver.oaid(each)} for each in (first, second, third)]
    data = keeper.call("jingdong.jos.order.oaid.merge", request={"mergeList": rows})["response"]["data"]
    assert data == {"mergeResults": [{"mergeOrderIds": [first.order_id, second.order_id]}]}


def test_areas_are_one_tree_with_municipalities_moved_up() -> None:
    keeper = Keeper()

    def rows(kind: str, **params: int) -> list[dict[str, Any]]:
        answer = keeper.post(keeper.form(f"jingdong.areas.{kind}.get", params, token=False))
        found: list[dict[str, Any]] = answer[f"jingdong_areas_{kind}_get_responce"]["baseAreaServiceResponse"]["data"]
        return found

    provinces = {row["areaName"]: row["areaId"] for row in rows("province")}
    assert (provinces["北京"], provinces["浙江"]) == (1, 15)
    assert {"areaId": 72, "areaName": "朝阳区", "parentId": 1, "level": 2, "status": 1} in rows("city", parent_id=1)
    counties = {row["areaName"]: row["areaId"] for row in rows("county", parent_id=1213)}
    assert counties["西湖区"] == 3411
    assert [row["areaName"] for row in rows("town", parent_id=3411)] == ["三墩镇"]
    assert [row["areaName"] for row in rows("county", parent_id=72)] == ["城区"]
