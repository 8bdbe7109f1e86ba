"""Regions by name, as the channels write them."""

import pytest

from core.regions import gb_code


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("浙江省", "杭州市", "余杭区"), "330110"),
        (("浙江", "杭州市", "余杭区"), "330110"),
        (("浙江省", "杭州", "余杭"), "330110"),
        (("上海", "上海市", "浦东新区"), "310115"),
        (("北京市", "", "朝阳区"), "110105"),
        (("北京", "北京市", "朝阳区"), "110105"),
        (("重庆市", "县", "云阳县"), "500235"),
        (("广东省", "东莞市", ""), "441900"),
        (("广东省", "东莞市", "虎门镇"), "441900"),
        (("湖北省", "", "仙桃市"), "429004"),
        (("湖北省", "省直辖县", "仙桃市"), "429004"),
        (("湖北省", "仙桃市", ""), "429004"),
        (("新疆维吾尔自治区", "阿克苏地区", "库车市"), "652902"),
        (("新疆", "自治区直辖县级行政区划", "石河子市"), "659001"),
        (("内蒙古自治区", "锡林郭勒盟", "锡林浩特市"), "152502"),
        (("广西壮族自治区", "南宁市", "青秀区"), "450103"),
        (("香港特别行政区", "香港岛", "中西区"), "810000"),
    ],
)
def test_names_of_every_channel_find_their_code(names: tuple[str, str, str], code: str) -> None:
    assert gb_code(*names) == code


def test_a_zone_without_a_code_is_its_city() -> None:
    assert gb_code("四川省", "成都市", "高新区") == "510100"


def test_a_name_that_two_cities_share_is_not_guessed() -> None:
    """鼓楼区 exists in Nanjing and Xuzhou."""
    assert gb_code("江苏省", "", "鼓楼区") == "320000"
    assert gb_code("江苏省", "徐州市", "鼓楼区") == "320302"


def test_a_district_of_another_city_is_not_taken() -> None:
    assert gb_code("浙江省", "宁波市", "余杭区") == "330200"


def test_a_district_merged_away_still_has_its_code() -> None:
    assert gb_code("浙江省", "杭州市", "下城区") == "330103"


def test_what_is_unknown_has_no_code() -> None:
    assert gb_code("", "", "") == ""
    assert gb_code("California", "", "") == ""
