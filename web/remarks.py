"""The warnings that items are taken with: their codes, and what they say in Chinese. In English the item says it, with
what it is about.

Codes are part of the contract: they are added, never renamed. Every one is in docs/commands.md.
"""

REMARKS: dict[str, str] = {
    "lines_not_told": "发货已接受，但平台不接收各包裹所装的商品。",
    "extra_parcels": "第一个包裹完成发货，其余单号仅在旁展示，之后不能更改。",
    "gift_not_told": "平台没有该赠品的订单行，赠品随单发出但不告知平台。",
    "lines_by_sku": "平台将相同 SKU 的订单行视为一行，只接收该 SKU 的件数。",
    "refund_stays_open": "在该平台发货不会拒绝退款，已申请的退款仍然有效。",
    "refund_not_refused": "该平台在退款处理完之前不能发货。",
    "not_paid": "订单尚未付款，发货将等待。",
    "on_hold": "平台暂停了该订单，发货将等待。",
    "refund_open": "买家申请了退款；退款处理完或使用 `refuse_refund` 之前，发货会被搁置。",
    "address_requested": "买家申请修改地址，发货将等待答复。",
    "nobody_asked": "未收到买家的改址申请，由平台判断。",
    "number_unknown": "所含货品的数量未全部通过 PUT /v1/stock 提供之前，不会发布库存。",
}
"""Code → the sentence in Chinese."""
