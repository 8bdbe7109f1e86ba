"""The table of APIs: root name of the answer, handler, token or not, published rate limits (dossier sections 4 to 12).

Roots of APIs without a sample follow the SDK's class names where known and are inferred otherwise.
"""

from ..settings import RateLimit
from . import auth, goods, logistics, messages, orders, privacy, refunds
from .call import Api

_MINUTE_3000 = RateLimit(shop=(3000, 60))

APIS: dict[str, Api] = {
    "pdd.time.get": Api("time_get_response", auth.server_time, token=False),
    "pdd.pop.auth.token.create": Api("pop_auth_token_create_response", auth.create, token=False),
    "pdd.pop.auth.token.refresh": Api("pop_auth_token_refresh_response", auth.refresh, token=False),
    "pdd.mall.info.get": Api("mall_info_get_response", auth.mall, limits=RateLimit(shop=(450, 1))),
    # Orders
    "pdd.order.list.get": Api(
        "order_list_get_response",
        orders.list_by_confirm_time,
        limits=RateLimit(shop=(10_000, 60), api=(17_500, 10)),
        listing=True,
    ),
    "pdd.order.basic.list.get": Api("order_basic_list_get_response", orders.basic_list, listing=True),
    "pdd.order.number.list.increment.get": Api(
        "order_sn_increment_get_response", orders.increment, limits=_MINUTE_3000, listing=True
    ),
    "pdd.order.information.get": Api(
        "order_info_get_response", orders.information, limits=RateLimit(shop=(30_000, 60), api=(2000, 1))
    ),
    "pdd.order.status.get": Api("order_status_get_response", orders.status, limits=_MINUTE_3000),
    "pdd.order.search.order": Api("search_order_response", orders.search),
    "pdd.order.promotion.get": Api("order_promotion_get_response", orders.promotion),
    "pdd.order.merge.ship.order.group": Api("merge_ship_order_group_response", orders.merge_groups),
    "pdd.order.note.update": Api("response", orders.note),
    "pdd.order.update.address": Api("response", orders.update_address),
    "pdd.erp.order.sync": Api(None, logistics.report_printed, limits=RateLimit(api=(39_000, 10))),
    # After-sales
    "pdd.refund.list.increment.get": Api(
        "refund_increment_get_response", refunds.listing, limits=RateLimit(shop=(100, 10), app=(500, 1), api=(5500, 1))
    ),
    "pdd.refund.information.get": Api(None, refunds.information, limits=RateLimit(api=(1400, 1))),
    "pdd.refund.status.check": Api("refund_status_check_response", refunds.check, limits=_MINUTE_3000),
    "pdd.refund.agree": Api("response", refunds.agree),
    "pdd.refund.returngoods.agree": Api("response", refunds.agree_return),
    "pdd.refund.exchange.shipping": Api("response", refunds.exchange_shipping),
    "pdd.nextone.logistics.warehouse.update": Api("response", refunds.warehouse_received),
    "pdd.rdc.pddgenius.sendgoods.cancel": Api("rdc_pddgenius_sendgoods_cancel_response", refunds.cancel_sending),
    "pdd.refund.address.list.get": Api(
        "refund_address_list_get_response", refunds.addresses, limits=RateLimit(shop=(3000, 60), api=(1040, 1))
    ),
    # Goods, stock, price
    "pdd.goods.list.get": Api("goods_list_get_response", goods.listing, limits=RateLimit(shop=(600, 60))),
    "pdd.goods.detail.get": Api(
        "goods_detail_get_response", goods.detail, limits=RateLimit(shop=(3000, 60), api=(3000, 1))
    ),
    "pdd.goods.information.get": Api("goods_info_get_response", goods.information, limits=_MINUTE_3000),
    "pdd.goods.skus.get": Api("goods_sku_get_response", goods.one_sku, limits=RateLimit(api=(1000, 1))),
    "pdd.goods.sale.status.set": Api(
        "goods_sale_status_set_response", goods.set_sale, limits=RateLimit(api=(13_200, 10))
    ),
    "pdd.goods.quantity.update": Api(
        "goods_quantity_update_response", goods.set_quantity, limits=RateLimit(api=(4200, 1))
    ),
    "pdd.goods.sku.price.update": Api(
        "goods_update_sku_price_response", goods.set_price, limits=RateLimit(app=(1200, 10), api=(4000, 10))
    ),
    "pdd.goods.commit.status.get": Api("goods_commit_status_get_response", goods.commit_status),
    "pdd.goods.latest.commit.status.get": Api("goods_latest_commit_status_get_response", goods.latest_commit_status),
    # Logistics
    "pdd.logistics.online.send": Api("logistics_online_send_response", logistics.send, limits=RateLimit(api=(5000, 1))),
    "pdd.order.upload.extra.logistics": Api("upload_extra_logistics_response", logistics.upload_extra),
    "pdd.order.upload.relation.logistics": Api("upload_relation_logistics_response", logistics.upload_relation),
    "pdd.logistics.companies.get": Api(
        "logistics_companies_get_response", logistics.companies, token=False, limits=RateLimit(api=(1200, 10))
    ),
    "pdd.logistics.address.get": Api(
        "logistics_address_get_response", logistics.regions, token=False, limits=RateLimit(app=(1, 1), api=(1200, 10))
    ),
    "pdd.logistics.ordertrace.get": Api(
        "logistics_ordertrace_get_resposne", logistics.trace, token=False, limits=RateLimit(app=(4800, 20))
    ),
    "pdd.logistics.isv.trace.notify.sub": Api(
        "logistics_isv_trace_notify_sub_response",
        logistics.subscribe_trace,
        token=False,
        limits=RateLimit(app=(2_400_000, 86_400)),
    ),
    "pdd.open.logistics.pre.check": Api("open_logistics_pre_check_response", logistics.pre_check),
    "pdd.waybill.get": Api("pdd_waybill_get_response", logistics.waybill_get, limits=RateLimit(api=(12_000, 1))),
    "pdd.waybill.cancel": Api("pdd_waybill_cancel_response", logistics.waybill_cancel),
    "pdd.waybill.search": Api("pdd_waybill_search_response", logistics.waybill_search, limits=RateLimit(api=(6000, 1))),
    "pdd.cloudprint.stdtemplates.get": Api(
        "pdd_cloudprint_stdtemplates_get_response", logistics.templates, token=False
    ),
    # Privacy
    "pdd.open.decrypt.batch": Api(
        "open_decrypt_batch_response", privacy.decrypt, limits=RateLimit(app=(10_050, 10), api=(19_500, 10))
    ),
    "pdd.open.decrypt.mask.batch": Api(
        "open_decrypt_mask_batch_response", privacy.decrypt_mask, limits=RateLimit(app=(15_000, 10), api=(60_000, 10))
    ),
    # Messages
    "pdd.pmc.user.permit": Api("pmc_user_permit_response", messages.permit),
    "pdd.pmc.user.get": Api("pmc_user_get_response", messages.permitted, token=False),
    "pdd.pmc.user.cancel": Api("tmc_user_cancel_response", messages.cancel, token=False),
    "pdd.pmc.accrue.query": Api("pmc_user_get_response", messages.backlog, token=False, limits=RateLimit(app=(1, 1))),
}
