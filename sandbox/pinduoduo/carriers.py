"""Pinduoduo's carriers (id, code, name) and region ids. Best express is listed but not available any more."""

from dataclasses import dataclass

from ..people import REGIONS, Region


@dataclass(frozen=True, slots=True)
class Carrier:
    """`carrier_id` is used in shipping, `code` in traces and waybills."""

    carrier_id: int
    code: str
    name: str
    available: int = 1


_ROWS = (
    (1, "STO", "申通快递"),
    (44, "SF", "顺丰快递"),
    (85, "YTO", "圆通快递"),
    (115, "ZTO", "中通快递"),
    (117, "YS", "优速快递"),
    (118, "EMS", "邮政EMS"),
    (119, "TT", "天天快递"),
    (120, "JD", "京东配送"),
    (121, "YUNDA", "韵达快递"),
    (129, "ZJS", "宅急送快递"),
    (131, "DB", "德邦快递"),
    (132, "YZXB", "邮政快递包裹"),
    (180, "SELF", "其他"),
    (183, "KYE", "跨越速运"),
    (208, "ANNENG", "安能快递"),
    (228, "SNWL", "苏宁快递"),
    (229, "BESTQJT", "百世快运"),
    (230, "DEBANGWULIU", "德邦物流"),
    (324, "POSTBBZ", "邮政标准快递"),
    (340, "JDKD", "京东大件物流"),
    (343, "ZTOKY", "中通快运"),
    (344, "YDKY", "韵达快运"),
    (348, "YMDD", "壹米滴答"),
    (358, "SXJD", "顺心捷达"),
    (372, "SFKY", "顺丰快运"),
    (384, "JTKD", "极兔快递"),
)
CARRIERS: dict[int, Carrier] = {row[0]: Carrier(*row) for row in _ROWS} | {3: Carrier(3, "HT", "百世快递", 0)}
BY_CODE: dict[str, Carrier] = {carrier.code: carrier for carrier in CARRIERS.values()}

_KNOWN_REGIONS = {"330000": 12, "330100": 161, "330106": 1480}
_FIRST = {1: 40, 2: 400, 3: 4000}


def _region_ids() -> dict[str, int]:
    return {region.code: _KNOWN_REGIONS.get(region.code, _FIRST[region.level] + n) for n, region in enumerate(REGIONS)}


REGION_IDS: dict[str, int] = _region_ids()
"""National code -> platform id; all but the documented ones are made up."""


def region_parent(region: Region) -> int:
    """The platform id of the parent; 1 = the country."""
    return REGION_IDS.get(region.parent, 1)
