"""Samples that no other test of this folder reads."""

from datetime import UTC, datetime, timedelta

from connectors.douyin.connector import DouyinConnector
from core.channel import Window
from core.status import Shelf
from tests.connectors.douyin.conftest import SAMPLE_TIME, FakeTransport, sample


def test_the_oldest_envelope_of_an_empty_list_is_an_empty_page(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.searchList", sample("envelope.legacy-success"))
    [page] = shop.orders(Window(SAMPLE_TIME - timedelta(hours=1), SAMPLE_TIME))
    assert (page.items, page.bad, page.expected) == ((), (), 0)


def test_a_page_that_was_asked_for_by_cursor_holds_listings_like_any_other(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("product.listV2", sample("product.listV2.cursor.response"))
    transport.on("sku.list", sample("sku.list.response"))
    [page] = shop.listings()
    [item] = page.items
    listing = item.value
    assert (listing.id, listing.title, listing.merchant_code) == (
        "3600000000000000457",
        "示例纯棉T恤 男女同款 白色",
        "TS-2025",
    )
    assert (listing.shelf.value, listing.in_review) == (Shelf.ON, False)
    assert listing.updated_at == datetime.fromtimestamp(1759950000, UTC)
    assert len(listing.skus) == len(sample("sku.list.response")["data"])
