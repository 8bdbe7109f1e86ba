"""Invented people and addresses (made up by a seeded generator), and the region tree both platforms share."""

from dataclasses import dataclass
from random import Random

from .model import Address, Buyer


@dataclass(frozen=True, slots=True)
class Region:
    """National code, name, level 1 province, 2 city, 3 district, and the parent's code ("1" for provinces)."""

    code: str
    name: str
    level: int
    parent: str


_TREE: dict[tuple[str, str], dict[tuple[str, str], list[tuple[str, str]]]] = {
    ("330000", "浙江省"): {
        ("330100", "杭州市"): [("330106", "西湖区"), ("330108", "滨江区")],
        ("330200", "宁波市"): [("330203", "海曙区")],
    },
    ("310000", "上海市"): {("310100", "上海市"): [("310104", "徐汇区"), ("310115", "浦东新区")]},
    ("110000", "北京市"): {("110100", "北京市"): [("110105", "朝阳区"), ("110108", "海淀区")]},
    ("440000", "广东省"): {
        ("440100", "广州市"): [("440106", "天河区")],
        ("440300", "深圳市"): [("440305", "南山区"), ("440304", "福田区")],
    },
    ("510000", "四川省"): {("510100", "成都市"): [("510104", "锦江区"), ("510107", "武侯区")]},
    ("650000", "新疆维吾尔自治区"): {("650100", "乌鲁木齐市"): [("650102", "天山区")]},
}
REGIONS: tuple[Region, ...] = tuple(
    region
    for (code, name), cities in _TREE.items()
    for region in (
        Region(code, name, 1, "1"),
        *(
            inner
            for (city_code, city), districts in cities.items()
            for inner in (
                Region(city_code, city, 2, code),
                *(Region(district_code, district, 3, city_code) for district_code, district in districts),
            )
        ),
    )
)
_DISTRICTS = tuple(
    (code, name, city_code, city, district_code, district)
    for (code, name), cities in _TREE.items()
    for (city_code, city), districts in cities.items()
    for district_code, district in districts
)
_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = "一二三四五六七八九十甲乙丙丁"
_ROADS = ("示例路", "样品街", "测试大道", "虚构巷", "演示东路")


def invent_buyer(rng: Random, number: int) -> Buyer:
    """The `number`-th invented person: a counted name, a number from a range no person holds (170 0000 xxxx)."""
    code, province, city_code, city, district_code, district = rng.choice(_DISTRICTS)
    name = rng.choice(_FAMILY) + "".join(rng.choice(_GIVEN) for _ in range(rng.choice((1, 2))))
    detail = f"{rng.choice(_ROADS)}{rng.randint(1, 999)}号{rng.randint(1, 30)}栋{rng.randint(101, 2900)}室"
    address = Address(province, code, city, city_code, district, district_code, detail)
    return Buyer(f"buyer-{number}", name, f"1700000{number % 10_000:04d}", address)
