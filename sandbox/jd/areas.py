"""JD's areas: four levels with ids of its own, municipalities shifted up one level. All but a few ids are made up.

A district of 北京市 is JD's level 2 below 北京; what a seller would call its town is level 3.
"""

from dataclasses import dataclass

from ..model import Address
from ..people import REGIONS, Region
from . import errors
from .call import Call, Members, Method
from .errors import Refusal

_KNOWN = {"110000": 1, "330000": 15, "330100": 1213, "330106": 3411, "110105": 72}
_TOWNS = {"330106": (50027, "三墩镇")}
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
_TAILS = ("维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市")
NO_TOWN = (0, "")


@dataclass(frozen=True, slots=True)
class Area:
    """`level` 1 to 4; `parent` 0 for provinces."""

    area_id: int
    name: str
    parent: int
    level: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody lives in JD's words: (id, name) per level; no town is (0, "")."""

    province: tuple[int, str]
    city: tuple[int, str]
    county: tuple[int, str]
    town: tuple[int, str]

    @property
    def text(self) -> str:
        """All four names."""
        return self.province[1] + self.city[1] + self.county[1] + self.town[1]


def _short(province: str) -> str:
    for tail in _TAILS:
        if province.endswith(tail):
            return province.removesuffix(tail)
    return province


def _ids() -> dict[str, int]:
    first = {1: 40, 2: 2000, 3: 40_000}
    return {region.code: _KNOWN.get(region.code, first[region.level] + n) for n, region in enumerate(REGIONS)}


_ID = _ids()


def _is_municipal(code: str) -> bool:
    return code[:2] in _MUNICIPALITIES


def place(address: Address) -> Place:
    """The address's areas on JD."""
    province = (_ID[address.province_code], _short(address.province))
    district = (_ID[address.district_code], address.district)
    if _is_municipal(address.province_code):
        return Place(province, district, _centre(address.district_code), NO_TOWN)
    town = _TOWNS.get(address.district_code, NO_TOWN)
    return Place(province, (_ID[address.city_code], address.city), district, town)


def _centre(district_code: str) -> tuple[int, str]:
    """The made-up level 3 of a municipality's district."""
    return 50_000 + _ID[district_code] % 10_000, "城区"


def _areas(region: Region) -> list[Area]:
    own, parent = _ID[region.code], _ID.get(region.parent, 0)
    if region.level == 1:
        return [Area(own, _short(region.name), 0, 1)]
    if not _is_municipal(region.code):
        rows = [Area(own, region.name, parent, region.level)]
        town = _TOWNS.get(region.code)
        return [*rows, Area(town[0], town[1], own, 4)] if town else rows
    if region.level == 2:
        return []
    centre = _centre(region.code)
    return [Area(own, region.name, _ID[region.code[:2] + "0000"], 2), Area(centre[0], centre[1], own, 3)]


AREAS: tuple[Area, ...] = tuple(area for region in REGIONS for area in _areas(region))
BY_ID: dict[int, Area] = {area.area_id: area for area in AREAS}


def _rows(level: int, parent: int) -> Members:
    """`resultCode` 1 is inferred."""
    rows = [
        {"areaId": area.area_id, "areaName": area.name, "parentId": area.parent, "level": area.level, "status": 1}
        for area in AREAS
        if area.level == level and area.parent == parent
    ]
    return {"baseAreaServiceResponse": {"resultCode": 1, "data": rows}}


def provinces(_: Call) -> Members:
    """jingdong.areas.province.get"""
    return _rows(1, 0)


def _below(level: int) -> Method:
    def answer(call: Call) -> Members:
        return _rows(level, call.params.integer("parent_id"))

    return Method(answer, _failure, token=False)


def _failure(refusal: Refusal) -> Members:
    """The shape of failures is inferred."""
    return {"baseAreaServiceResponse": {"resultCode": refusal.code, "data": []}}


def address_of(county_id: int, detail: str) -> Address:
    """The plain address of a JD county (of a municipality: its level 2 or 3); Refusal for an unknown one."""
    area = BY_ID.get(county_id)
    if area is not None and area.level == 3 and area.name == "城区":
        county_id = area.parent
    by_code = {region.code: region for region in REGIONS}
    district = next((each for each in REGIONS if each.level == 3 and _ID[each.code] == county_id), None)
    if district is None:
        raise errors.invalid("countyId")
    city = by_code[district.parent]
    province = by_code[city.parent]
    return Address(province.name, province.code, city.name, city.code, district.name, district.code, detail)


METHODS = {
    "jingdong.areas.province.get": Method(provinces, _failure, token=False),
    "jingdong.areas.city.get": _below(2),
    "jingdong.areas.county.get": _below(3),
    "jingdong.areas.town.get": _below(4),
}
