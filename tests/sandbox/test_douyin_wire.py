"""Field by field: every documented answer and push sample against what the platform says, keys and JSON types."""

import json
from typing import Any

import pytest

from sandbox.gateway import Request
from tests.sandbox.douyin_kit import FIXTURES, Shop, fixture

REQUESTS = sorted(path.name for path in FIXTURES.glob("*.request.json"))
# Objects whose keys are data, not schema.
MAPS = frozenset({"stock_map", "stock_num_map", "prehold_stock_map", "ship_rule_map"})


def differences(sample: Any, ours: Any, path: str = "") -> list[str]:
    """Where keys or JSON types differ; lists are compared by their first elements, nulls match anything."""
    if sample is None or ours is None:
        return []
    if type(sample) is not type(ours):
        return [f"{path}: {type(sample).__name__} became {type(ours).__name__}"]
    if isinstance(sample, dict):
        if path.rpartition(".")[2] in MAPS:
            return []
        found = [f"{path}.{name} is missing" for name in sample.keys() - ours.keys()]
        found += [f"{path}.{name} is extra" for name in ours.keys() - sample.keys()]
        for name in sample.keys() & ours.keys():
            found += differences(sample[name], ours[name], f"{path}.{name}")
        return found
    if isinstance(sample, list) and sample and ours:
        return differences(sample[0], ours[0], f"{path}[]")
    return []


@pytest.mark.parametrize("name", REQUESTS)
def test_request_samples_pass_the_gateway(name: str) -> None:
    """Ids of the samples do not exist here, so business refusals are fine; gateway refusals are not."""
    shop = Shop()
    sample = fixture(name)
    shop.world.set_tokens(shop.shop, "a1b2c3d4-0001-4e5f-8a9b-0123456789ab", "f6e5d4c3-0002-4b5a-9c8d-ba9876543210")
    headers = {key.lower(): value for key, value in sample["headers"].items()}
    body = sample["body_raw"].encode()
    answer = shop.platform.handle(Request("POST", sample["path"], list(sample["query"].items()), headers, body)).json()
    assert answer["code"] not in (40001, 40003, 70000, 60000, 30001), answer
    assert not answer["sub_code"].startswith("isv.missing-parameter"), answer


def story() -> tuple[Shop, dict[str, Any]]:
    """A shop in which every sampled call has an answer: an order with two lines, one shipped, one coming back."""
    shop = Shop()
    order = shop.order(variant="several")
    for line in order.lines:
        line.discounts.seller, line.discounts.platform, line.discounts.channel = 100, 50, 0
    item = next(iter(shop.shop.items.values()))
    return shop, {"order": order, "item": item, "sku": next(iter(item.skus.values()))}


def answers() -> dict[str, Any]:
    """Sample file -> our answer to the like of it."""
    shop, it = story()
    order, item, sku = it["order"], it["item"], it["sku"]
    product, sku_id = int(item.item_id), int(sku.sku_id)
    other = shop.order(buyer=order.buyer)
    said = {"order.orderDetail": shop.call("order.orderDetail", shop_order_id=order.order_id)}
    window = {"update_time_start": int(shop.world.now()) - 3600, "update_time_end": int(shop.world.now()) + 3600}
    said["order.searchList.empty"] = shop.call("order.searchList", **window, tracking_no="none")
    said["order.addOrderRemark"] = shop.call(
        "order.addOrderRemark", order_id=order.order_id, remark="加急", is_add_star="true", star="5"
    )
    said["order.searchByReceiver"] = shop.call("order.searchByReceiver", post_type=0, post_receiver=order.buyer.phone)
    said["order.merge"] = shop.call(
        "order.merge", merge_list=[{"order_id": order.order_id}, {"order_id": other.order_id}]
    )
    receiver = said["order.orderDetail"]["data"]["shop_order_detail"]
    infos = [
        {"auth_id": order.order_id, "cipher_text": receiver[name]}
        for name in ("encrypt_post_tel", "encrypt_post_receiver")
    ]
    said["order.batchDecrypt"] = shop.call("order.batchDecrypt", cipher_infos=infos)
    bad = [*infos, {"auth_id": order.order_id, "cipher_text": "#bad#cipher#1##"}]
    said["order.batchDecrypt.partial"] = shop.call("order.batchDecrypt", cipher_infos=bad)
    said["order.batchSensitive"] = shop.call("order.batchSensitive", cipher_infos=infos)
    said["order.BatchSearchIndex"] = shop.call(
        "order.BatchSearchIndex", plain_text_list=[{"plain_text": "张三", "encrypt_type": 2}]
    )
    rows = [{"shipped_order_id": order.lines[0].line_id, "shipped_num": 1}]
    packs = [{"company_code": "shunfeng", "logistics_code": "SF1234567890123", "shipped_order_info": rows}]
    said["order.logisticsAddMultiPack"] = shop.call(
        "order.logisticsAddMultiPack", order_id=order.order_id, request_id="r1", pack_list=packs
    )
    said["order.searchList"] = shop.call("order.searchList", **window, order_by="update_time")
    single = shop.order(quantity=1)
    rows = [{"shipped_order_id": single.lines[0].line_id, "shipped_num": 1}]
    said["order.logisticsAddSinglePack"] = shop.call(
        "order.logisticsAddSinglePack",
        order_id_list=[single.order_id],
        shipped_order_info=rows,
        company_code="yunda",
        logistics_code="430000000000001",
        request_id="r2",
    )
    said["order.logisticsAdd"] = shop.call(
        "order.logisticsAdd", order_id=other.order_id, company_code="yunda", logistics_code="430000000000002"
    )
    said["order.logisticsEdit"] = shop.call(
        "order.logisticsEdit", order_id=other.order_id, company_code="yunda", logistics_code="430000000000003"
    )
    said["order.logisticsEditByPack"] = shop.call(
        "order.logisticsEditByPack",
        order_id=order.order_id,
        pack_id=order.packages[0].pack_id,
        company_code="yuantong",
        logistics_code="YT0000000000001",
    )
    said["order.logisticsCompanyList"] = shop.call("order.logisticsCompanyList")
    said["order.queryLogisticsCompanyList"] = shop.call(
        "order.queryLogisticsCompanyList", shop_order_ids=[order.order_id]
    )
    said["product.listV2"] = shop.call("product.listV2", page=1, size=100)
    said["product.listV2.cursor"] = shop.call("product.listV2", page=1, size=100, use_cursor=True)
    said["product.detail"] = shop.call("product.detail", product_id=str(product), show_draft="false")
    said["product.setOffline"] = shop.call("product.setOffline", product_id=product)
    said["product.setOnline"] = shop.call("product.setOnline", product_id=product)
    said["sku.list"] = shop.call("sku.list", product_id=product)
    said["sku.editCode"] = shop.call("sku.editCode", product_id=product, sku_id=sku_id, code="TS")
    said["sku.editPrice"] = shop.call("sku.editPrice", product_id=product, sku_id=sku_id, price=12900)
    said["sku.syncStock"] = shop.call("sku.syncStock", product_id=product, sku_id=sku_id, stock_num=100)
    row = {"product_id": product, "sku_id": sku_id, "stock_num": 90}
    said["sku.syncStockBatch"] = shop.call("sku.syncStockBatch", product_id=product, sku_sync_list=[row])
    said["sku.syncStockBatchMultiProducts"] = shop.call("sku.syncStockBatchMultiProducts", items=[row])
    said["sku.stockNum"] = shop.call("sku.stockNum", sku_id=sku_id)
    said["warehouse.createV2"] = shop.call("warehouse.createV2", out_warehouse_id="WH", name="仓")
    shop.call("warehouse.setAddrBatch", out_warehouse_id="WH", addr_list=[{"addr_id1": 33}])
    said["warehouse.list"] = shop.call("warehouse.list", page=0, size=100)
    said["address.list"] = shop.call("address.list", page_no=1, page_size=10)
    said["open.getAuthInfo"] = shop.call("open.getAuthInfo", auth_id=shop.shop.shop_id)
    said["token.create"] = shop.call(
        "token.create", grant_type="authorization_self", code="", shop_id=shop.shop.shop_id
    )
    said["token.refresh"] = shop.call(
        "token.refresh", grant_type="refresh_token", refresh_token=shop.shop.grant.refresh_token
    )
    return said | after_sale_answers() | waybill_answers()


def after_sale_answers() -> dict[str, Any]:
    """An order that came back: agreed, returned, waiting for the second decision."""
    shop = Shop()
    order = shop.order()
    shop.world.want_address(order, shop.world.some_buyer())
    said = {"order.addressConfirm": shop.call("order.addressConfirm", order_id=order.order_id, is_approved=0)}
    shop.data("order.logisticsAdd", order_id=order.order_id, company_code="shunfeng", logistics_code="SF1234567890123")
    refund = shop.world.request_refund(order, kind="return")
    shop.data("afterSale.operate", type=101, items=[{"aftersale_id": refund.refund_id}])
    shop.world.return_goods(refund, "yuantong", "YT0000000000099")
    shop.data("afterSale.addOrderRemark", order_id=order.order_id, after_sale_id=refund.refund_id, remark="已联系买家")
    said["afterSale.List"] = shop.call("afterSale.List", order_by=["update_time asc"], page=0, size=100)
    said["afterSale.Detail"] = shop.call("afterSale.Detail", after_sale_id=refund.refund_id, need_operation_record=True)
    said["afterSale.rejectReasonCodeList"] = shop.call("afterSale.rejectReasonCodeList", aftersale_id=refund.refund_id)
    said["afterSale.operate"] = shop.call("afterSale.operate", type=111, items=[{"aftersale_id": refund.refund_id}])
    return said


def waybill_answers() -> dict[str, Any]:
    """A number drawn, printed, shipped and traced; another one given back."""
    shop = Shop()
    order = shop.order()
    said: dict[str, Any] = {}
    infos = [{"order_id": order.order_id, "pack_id": ""}]
    said["logistics.newCreateOrder"] = shop.call(
        "logistics.newCreateOrder", logistics_code="zhongtong", order_infos=infos
    )
    lost = [{"order_id": "1", "pack_id": ""}]
    said["logistics.newCreateOrder.partial"] = shop.call(
        "logistics.newCreateOrder", logistics_code="zhongtong", order_infos=lost
    )
    number = said["logistics.newCreateOrder"]["data"]["ebill_infos"][0]["track_no"]
    row = {"logistics_code": "zhongtong", "track_no": number}
    said["logistics.listShopNetsite"] = shop.call("logistics.listShopNetsite", logistics_code="")
    said["logistics.waybillApply"] = shop.call("logistics.waybillApply", waybill_applies=[row])
    shop.data("order.logisticsAdd", order_id=order.order_id, company_code="zhongtong", logistics_code=number)
    shop.world.advance(7200)
    said["logistics.trackNoRouteDetail"] = shop.call("logistics.trackNoRouteDetail", **row)
    more = shop.data("logistics.newCreateOrder", logistics_code="yunda", order_infos=infos)["ebill_infos"][0][
        "track_no"
    ]
    said["logistics.cancelOrder"] = shop.call("logistics.cancelOrder", logistics_code="yunda", track_no=more)
    return said


ANSWERS = answers()


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("*.response.json")))
def test_answers_have_the_samples_fields_and_types(name: str) -> None:
    sample, ours = fixture(name), ANSWERS[name.removesuffix(".response.json")]
    assert differences(sample, ours) == []


def test_every_line_of_every_order_has_the_same_fields() -> None:
    detail = fixture("order.orderDetail.response.json")["data"]["shop_order_detail"]
    ours = ANSWERS["order.orderDetail"]["data"]["shop_order_detail"]
    for line in ours["sku_order_list"]:
        assert line.keys() == detail["sku_order_list"][0].keys()
    for payer in ("shop_discount_detail", "platform_discount_detail"):
        sample = detail["sku_order_list"][0]["promotion_detail"][payer]
        assert differences(sample, ours["sku_order_list"][0]["promotion_detail"][payer]) == []


def pushes() -> dict[str, Any]:
    """Tag -> the data of the first message with it, over lives that cause every tag."""
    shop = Shop()
    shop.platform.callbacks.set_url("http://127.0.0.1:9/hooks")
    world = shop.world
    order = shop.order(variant="several", paid=False)
    world.change_amount(order, -10)
    world.pay(order)
    world.set_memo(order, "加急", 5)
    world.want_address(order, world.some_buyer())
    world.answer_address(order, True)
    world.set_deadline(order, world.now() + 99)
    world.ship(order, "shunfeng", "SF1234567890123", {order.lines[0].line_id: 1})
    world.ship(order, "shunfeng", "SF1234567890124")
    world.change_tracking(order, "yuantong", "YT0000000000001")
    refund = world.request_refund(order, kind="return")
    world.modify_refund(refund, reason="七天无理由")
    shop.data("afterSale.timeExtend", aftersale_id=refund.refund_id)
    world.agree_return(refund)
    world.return_goods(refund, "yuantong", "YT0000000000099")
    world.agree_refund(refund)
    world.refund_paid(refund)
    again = world.request_refund(order, kind="return", line=order.lines[1])
    world.refuse_refund(again)
    world.withdraw_refund(again)
    world.finish(order)
    shipped = shop.order(quantity=1)
    world.ship(shipped, "shunfeng", "SF1234567890125")
    world.refuse_refund(world.request_refund(shipped))
    world.cancel(shop.order(variant="risk"))
    item = next(iter(shop.shop.items.values()))
    world.touch_item(shop.shop, item)
    found: dict[str, Any] = {}
    for push in world.outboxes["douyin"].pushes:
        found.setdefault(push.topic, push.payload)
    return found


PUSHES = pushes()


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("push.[1-9]*.json")))
def test_pushes_have_the_samples_fields_and_types(name: str) -> None:
    sample, ours = fixture(name)["data_decoded"], PUSHES[name.split(".")[1]]
    assert differences(sample, ours) == []
    for part in ("receiver_msg", "post_receiver_msg"):
        if part in sample:
            assert differences(json.loads(sample[part]["addr"]), json.loads(ours[part]["addr"])) == []
