"""GB/T 2260 codes of regions, found offline by the names that every channel sends in plain text.

`gb2260.tsv` holds the county-level code list of the People's Republic, with districts that were merged away in recent
years, because old orders still name them. Development zones, which have no code, resolve to their city.
"""

from collections import defaultdict
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

_ENDINGS = (
    "壮族自治区",
    "回族自治区",
    "维吾尔自治区",
    "自治区",
    "特别行政区",
    "自治州",
    "地区",
    "省",
    "市",
    "盟",
    "区",
    "县",
)
_NOT_A_CITY = {"市辖区", "县", "省直辖县", "省直辖", "省直辖县级行政区划", "自治区直辖县级行政区划", "直辖县级"}
"""What stands in the city's place where a county belongs to its province directly."""


class _Table(NamedTuple):
    provinces: dict[str, str]
    cities: dict[tuple[str, str], str]
    counties: dict[tuple[str, str], list[str]]
    """(first digits of the code, name) → codes; under a province's and under a city's digits."""


@lru_cache(maxsize=8192)
def gb_code(province: str, city: str, district: str) -> str:
    """The six-digit code of the smallest of these regions that is known; empty when not even the province is.

    Names may lack their ending (浙江 for 浙江省). Municipalities may repeat the province as the city or leave it out.
    """
    table = _table()
    inside = _find(table.provinces, province)
    if not inside:
        return ""
    known = table.cities.get((inside, city)) or table.cities.get((inside, _short(city)), "")
    if not known and city not in _NOT_A_CITY and not district:
        district = city
    within = known or inside
    codes = table.counties.get((within, district)) or table.counties.get((within, _short(district)), [])
    if len(codes) == 1:
        return codes[0]
    return within.ljust(6, "0")


def _find(names: dict[str, str], name: str) -> str:
    return names.get(name) or names.get(_short(name), "")


def _short(name: str) -> str:
    """The name without its ending, where at least two characters remain."""
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) - len(ending) >= 2:
            return name.removesuffix(ending)
    return name


@cache
def _table() -> _Table:
    provinces: dict[str, str] = {}
    cities: dict[tuple[str, str], str] = {}
    counties: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in files("core").joinpath("gb2260.tsv").read_text(encoding="utf-8").splitlines():
        code, name = line.split("\t")
        for called in {name, _short(name)}:
            if code.endswith("0000"):
                provinces[called] = code[:2]
            elif code.endswith("00"):
                cities[code[:2], called] = code[:4]
            else:
                counties[code[:2], called].append(code)
                counties[code[:4], called].append(code)
    return _Table(provinces, cities, dict(counties))
