"""Carriers as `order.logisticsCompanyList` names them, and the shape of their tracking numbers.

Codes of SF, YTO and ZTO are documented, the rest have weaker sources; ids beyond 7, 12 and 15 are made up.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Carrier:
    """One row of the platform's carrier list."""

    id: int
    code: str
    name: str
    number: str = r"[A-Za-z0-9]{8,24}"


CARRIERS = (
    Carrier(7, "yuantong", "圆通快递", r"YT[0-9]{10,18}|[A-Za-z0-9]{10,20}"),
    Carrier(8, "shentong", "申通快递"),
    Carrier(9, "yunda", "韵达快递"),
    Carrier(12, "shunfeng", "顺丰速运", r"SF[0-9]{10,16}|[0-9]{12,15}"),
    Carrier(15, "zhongtong", "中通快递"),
    Carrier(17, "ems", "EMS"),
    Carrier(18, "jd", "京东快递"),
    Carrier(19, "youzhengguonei", "邮政快递包裹"),
    Carrier(1, "jtexpress", "极兔速递"),
    Carrier(20, "debangwuliu", "德邦快递"),
    Carrier(21, "huitongkuaidi", "百世快递"),
    Carrier(22, "fengwang", "丰网速运"),
)
BY_CODE = {carrier.code: carrier for carrier in CARRIERS}


def carrier_name(code: str) -> str:
    """The Chinese name, or the code itself for a carrier that is not in the list."""
    carrier = BY_CODE.get(code)
    return carrier.name if carrier else code


def number_fits(carrier: Carrier, number: str) -> bool:
    """Whether the tracking number has the carrier's shape (inferred; deliberately loose)."""
    return re.fullmatch(carrier.number, number) is not None
