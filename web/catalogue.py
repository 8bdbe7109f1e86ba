"""The codes of all refusals: what each means and what to do about it, in English and Chinese."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One code: HTTP status, title and the sentence that says what to do, both in two languages.

    `{name}` in a sentence is filled from the values the problem was raised with.
    """

    status: int
    title: str
    title_zh: str
    detail: str
    detail_zh: str


CATALOGUE: dict[str, Entry] = {
    "key_missing": Entry(
        401,
        "No API key",
        "缺少 API 密钥",
        "Send `Authorization: Bearer qk_…`; `qudao key create` makes a key.",
        "请发送 `Authorization: Bearer qk_…`；用 `qudao key create` 创建密钥。",
    ),
    "key_invalid": Entry(
        401, "Unknown API key", "API 密钥无效", "The key is unknown or was revoked.", "该密钥不存在或已被吊销。"
    ),
    "key_expired": Entry(
        401,
        "API key expired",
        "API 密钥已过期",
        "The key has expired; `qudao key create` makes another, `qudao key change` lengthens it.",
        "该密钥已过期；用 `qudao key create` 新建，或用 `qudao key change` 延长有效期。",
    ),
    "rate_limited": Entry(
        429,
        "Too many requests",
        "请求过于频繁",
        "The key may send {limit} requests a minute; come again after the seconds in Retry-After.",
        "该密钥每分钟最多 {limit} 次请求，请在 Retry-After 所示秒数后重试。",
    ),
    "reason_holds_personal_data": Entry(
        422,
        "Reason with personal data",
        "理由含个人信息",
        "A reason is kept in the audit log: no seven digits in a row (phones, identity or order numbers), no e-mail.",
        "理由会写入审计日志：不得含连续七位以上数字（电话、证件号、订单号）或邮箱。",
    ),
    "scope_missing": Entry(
        403,
        "Not allowed with this key",
        "该密钥无此权限",
        "The key has no scope `{scope}`; `qudao key create --scope {scope}` makes one that has.",
        "该密钥没有 `{scope}` 权限；用 `qudao key create --scope {scope}` 创建有此权限的密钥。",
    ),
    "not_found": Entry(
        404, "Nothing here", "路径不存在", "No such path; see /openapi.json.", "没有这个路径，请查看 /openapi.json。"
    ),
    "method_not_allowed": Entry(
        405,
        "Method not allowed",
        "不支持的请求方法",
        "This path does not take {method}; the Allow header says what it takes.",
        "该路径不支持 {method}，支持的方法见 Allow 响应头。",
    ),
    "unsupported_media_type": Entry(
        415,
        "Not JSON",
        "内容类型不是 JSON",
        "Send the body with `Content-Type: application/json`.",
        "请求体须带 `Content-Type: application/json`。",
    ),
    "body_too_large": Entry(
        413,
        "Body too large",
        "请求体过大",
        "A body may have at most {limit} bytes; send several requests.",
        "请求体最多 {limit} 字节，请分多次发送。",
    ),
    "malformed_json": Entry(
        400, "Malformed JSON", "JSON 格式错误", "The body is not valid JSON in UTF-8.", "请求体不是有效的 UTF-8 JSON。"
    ),
    "invalid_parameter": Entry(
        400,
        "Invalid parameter",
        "参数无效",
        "A path, query or header value is not acceptable; see `errors`.",
        "路径、查询或请求头中的值不符合要求，详见 `errors`。",
    ),
    "invalid_body": Entry(
        422,
        "Invalid body",
        "请求体无效",
        "The body does not have the documented shape; see `errors`.",
        "请求体不符合文档规定的结构，详见 `errors`。",
    ),
    "too_many_items": Entry(
        422,
        "Too many items",
        "条目过多",
        "A request may hold at most {limit} items; send several requests.",
        "一次请求最多 {limit} 条，请分多次发送。",
    ),
    "idempotency_key_missing": Entry(
        400,
        "No Idempotency-Key",
        "缺少 Idempotency-Key",
        "Send an `Idempotency-Key` header, new for every command and the same for its repetitions.",
        "请发送 `Idempotency-Key` 请求头：每条命令用新值，重试时用同一个值。",
    ),
    "idempotency_key_invalid": Entry(
        400,
        "Invalid Idempotency-Key",
        "Idempotency-Key 无效",
        "An Idempotency-Key has 1 to 255 visible ASCII characters.",
        "Idempotency-Key 须为 1 至 255 个可见 ASCII 字符。",
    ),
    "idempotency_conflict": Entry(
        409,
        "Idempotency-Key used for another command",
        "Idempotency-Key 已用于其他命令",
        "This Idempotency-Key came with another request in the last 7 days; use a new one.",
        "该 Idempotency-Key 在 7 天内已用于内容不同的请求，请换一个新值。",
    ),
    "cursor_invalid": Entry(
        422,
        "Invalid cursor",
        "游标无效",
        "This is not a cursor of this list; leave it out to begin at the start.",
        "这不是本列表的游标；不传则从头开始。",
    ),
    "cursor_ahead": Entry(
        422,
        "Cursor from the future",
        "游标超前",
        "The cursor lies behind the end of the feed: it is from another database, or the database was set back.",
        "游标超过了事件流的末尾：它来自另一个数据库，或数据库被回退过。",
    ),
    "cursor_expired": Entry(
        410,
        "Cursor expired",
        "游标已过期",
        "Events after this place are not kept any more; take a snapshot (GET /v1/snapshot) and go on from its cursor.",
        "该位置之后的事件已不再保留；请获取快照（GET /v1/snapshot），并从其游标继续。",
    ),
    "cursor_and_since": Entry(
        422,
        "Two beginnings",
        "起点重复",
        "Send a cursor or an instant to begin at, not both.",
        "起点只能是游标或时间之一，不能同时提供。",
    ),
    "unknown_status": Entry(
        422,
        "Unknown status",
        "未知的状态",
        "A {kind} has one of these: {statuses}.",
        "{kind} 的状态有：{statuses}。",
    ),
    "unknown_channel": Entry(
        422,
        "Unknown channel",
        "未知的渠道",
        "There is no channel `{channel}`; GET /v1/shops shows those of your shops.",
        "没有 `{channel}` 渠道；GET /v1/shops 可查看已接入店铺的渠道。",
    ),
    "unknown_consumer": Entry(
        404,
        "Unknown consumer",
        "未知的消费者",
        "No consumer has this name; a PUT to /v1/consumers/<name> makes one.",
        "没有这个名称的消费者；对 /v1/consumers/<name> 发送 PUT 即可创建。",
    ),
    "consumer_exists": Entry(
        409,
        "Consumer exists",
        "消费者已存在",
        "A consumer of this name began elsewhere or belongs to other shops; delete it first, or take another name.",
        "同名消费者的起点不同或属于其他店铺；请先删除，或换一个名称。",
    ),
    "unknown_subscription": Entry(
        404, "Unknown subscription", "未知的订阅", "There is no such subscription.", "没有这个订阅。"
    ),
    "unknown_delivery": Entry(
        404,
        "Unknown delivery",
        "未知的投递",
        "The subscription has no such delivery, or it was forgotten with age.",
        "该订阅没有这条投递记录，或记录已过期删除。",
    ),
    "subscription_inactive": Entry(
        409,
        "Subscription not active",
        "订阅未启用",
        "The subscription is paused or disabled; resume it first.",
        "订阅已暂停或停用，请先恢复。",
    ),
    "target_refused": Entry(
        422,
        "Target refused",
        "目标地址被拒绝",
        "Nothing is sent there: {reason}.",
        "不会向该地址推送：须为公网 https 地址，或在允许的网段内（{reason}）。",
    ),
    "too_long_ago": Entry(
        422,
        "Too long ago",
        "时间过早",
        "Deliveries are kept for {days} days; take a snapshot for what was before.",
        "投递记录仅保留 {days} 天；更早的数据请使用快照。",
    ),
    "unknown_event_type": Entry(
        422,
        "Unknown event type",
        "未知的事件类型",
        "No event has the type `{type}`; a family is written `order.*`.",
        "没有 `{type}` 这种事件类型；整类写作 `order.*`。",
    ),
    "unknown_command": Entry(
        404,
        "Unknown command",
        "未知的命令",
        "No command has this id, or it is older than 7 days.",
        "没有此编号的命令，或已超过 7 天。",
    ),
    "items_refused": Entry(
        422,
        "Every item was refused",
        "所有条目均被拒绝",
        "None of the items was taken; `errors` says why for each.",
        "没有任何条目被接受，各自原因见 `errors`。",
    ),
    "invalid_item": Entry(
        422,
        "Invalid item",
        "条目无效",
        "An item does not have the documented shape; see `errors`.",
        "条目不符合文档规定的结构，详见 `errors`。",
    ),
    "invalid_quantity": Entry(
        422,
        "Invalid quantity",
        "数量无效",
        "A quantity is a whole JSON number that is not negative.",
        "数量必须是不小于零的 JSON 整数。",
    ),
    "invalid_price": Entry(
        422,
        "Invalid price",
        "价格无效",
        "A price is a whole JSON number of fen greater than zero.",
        "价格必须是以分为单位、大于零的 JSON 整数。",
    ),
    "price_relation": Entry(
        422,
        "Prices contradict each other",
        "价格关系不成立",
        "The channel demands sale < single ≤ market.",
        "平台要求：拼单价 < 单买价 ≤ 市场价。",
    ),
    "unknown_sku": Entry(
        422,
        "Unknown SKU",
        "未知的 SKU",
        "No listing is mapped to this SKU; see PUT /v1/mappings.",
        "没有商品映射到该 SKU，请使用 PUT /v1/mappings。",
    ),
    "sku_elsewhere": Entry(
        422,
        "SKU sold in other shops",
        "该 SKU 在其他店铺也有销售",
        "A stock number is one for all shops, and the key does not reach all that sell this SKU.",
        "库存数对所有店铺统一生效，而该密钥无权操作销售该 SKU 的全部店铺。",
    ),
    "unknown_shop": Entry(
        422,
        "Unknown shop",
        "未知的店铺",
        "No such shop is connected; see GET /v1/shops.",
        "没有接入这个店铺，请查看 GET /v1/shops。",
    ),
    "unknown_listing_sku": Entry(
        422,
        "Unknown listing SKU",
        "未知的商品规格",
        "The shop has no such listing SKU; see GET /v1/listings.",
        "店铺中没有这个商品规格，请查看 GET /v1/listings。",
    ),
    "unknown_listing": Entry(
        404, "Unknown listing", "未知的商品", "The shop has no such listing.", "店铺中没有这个商品。"
    ),
    "unknown_order": Entry(404, "Unknown order", "未知的订单", "The shop has no such order.", "店铺中没有这个订单。"),
    "unknown_after_sale": Entry(
        404, "Unknown after-sale", "未知的售后单", "The shop has no such after-sale.", "店铺中没有这个售后单。"
    ),
    "unknown_line": Entry(422, "Unknown line", "未知的订单行", "The order has no such line.", "订单中没有这一行。"),
    "order_closed": Entry(
        422, "Order closed", "订单已关闭", "A closed order cannot be shipped.", "已关闭的订单不能发货。"
    ),
    "unknown_carrier": Entry(
        422,
        "Unknown carrier",
        "未知的快递公司",
        "Neither our carrier codes nor the channel's own hold this carrier.",
        "统一快递编码和平台编码中都没有这家快递公司。",
    ),
    "too_many_pieces": Entry(
        422,
        "More pieces than were ordered",
        "数量超过订购数",
        "The parcels hold more of a line than was ordered.",
        "包裹中某订单行的数量超过了订购数量。",
    ),
    "line_closed": Entry(
        422,
        "Line closed",
        "订单行已关闭",
        "The channel ended this line; it is not shipped.",
        "平台已关闭该订单行，不能发货。",
    ),
    "parcel_twice": Entry(
        422,
        "Parcel named twice",
        "包裹重复",
        "Two parcels of a shipment have the same carrier and number.",
        "同一次发货中有两个包裹的快递公司和单号相同。",
    ),
    "parcel_empty": Entry(
        422,
        "Empty parcel",
        "空包裹",
        "A parcel without lines holds what is in no other parcel, and nothing is left.",
        "未指明商品的包裹装其余全部商品，但已无剩余。",
    ),
    "lines_missing": Entry(
        422,
        "Lines missing",
        "未指明包裹内容",
        "This channel must be told which lines lie in which parcel, of all parcels but one.",
        "该平台要求指明每个包裹装哪些订单行，最多只能有一个包裹不指明。",
    ),
    "line_ships_whole": Entry(
        422,
        "A line ships whole",
        "订单行不可拆分",
        "This channel takes all pieces of a line in one parcel.",
        "该平台要求同一订单行的全部数量放在一个包裹中。",
    ),
    "order_ships_whole": Entry(
        422,
        "An order ships whole",
        "订单不可部分发货",
        "This channel takes the first parcel for the whole order; pack all of it.",
        "该平台以第一个包裹视为整单发货，请包含全部商品。",
    ),
    "too_many_parcels": Entry(
        422,
        "Too many parcels",
        "包裹过多",
        "An order ships in fewer parcels on this channel.",
        "包裹数超过了平台上限。",
    ),
    "too_many_lines": Entry(
        422,
        "Too many lines in a parcel",
        "包裹内订单行过多",
        "A parcel names more lines than this channel takes.",
        "包裹中的订单行数超过了平台上限。",
    ),
    "gift_alone": Entry(
        422,
        "Gift without a line",
        "赠品不能单独成包",
        "A parcel holds only gifts that have no line at the channel.",
        "包裹中只有平台没有订单行的赠品。",
    ),
    "not_supported_here": Entry(
        422,
        "Not supported on this channel",
        "该渠道不支持",
        "The channel cannot do this; `docs/commands.md` says which can.",
        "该渠道无法执行此操作，支持情况见 `docs/commands.md`。",
    ),
    "channel_refused": Entry(
        422,
        "The channel refused",
        "平台拒绝",
        "The channel does not do this for this order or shop; see `errors`.",
        "平台不对该订单或店铺执行此操作，详见 `errors`。",
    ),
    "channel_throttled": Entry(
        429,
        "The channel's quota is used up",
        "平台配额已用完",
        "The channel's quota for this is used up; come again after `Retry-After` seconds.",
        "平台的此项配额已用完，请在 `Retry-After` 秒后重试。",
    ),
    "channel_unavailable": Entry(
        503,
        "The channel does not answer",
        "平台没有响应",
        "The channel did not answer, or not yet; come again after `Retry-After` seconds.",
        "平台没有响应或尚未就绪，请在 `Retry-After` 秒后重试。",
    ),
    "internal_error": Entry(
        500,
        "Unexpected error",
        "意外错误",
        "Something went wrong here; the log has it under {id}. Repeating with the same Idempotency-Key is safe.",
        "服务端出现意外错误，日志编号 {id}。使用相同的 Idempotency-Key 重试是安全的。",
    ),
    "storage_unavailable": Entry(
        503,
        "Database not available",
        "数据库不可用",
        "The database did not answer; the log has it under {id}. Repeat a little later.",
        "数据库没有响应，日志编号 {id}，请稍后重试。",
    ),
}
"""Code → what it means. Codes are part of the contract: they are added, never renamed."""
