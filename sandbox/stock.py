"""Stock, price and shelf of a shop's items: what writing them does. The layer between `ground.py` and orders.

Identity that always holds: sellable == last_set.quantity - sold_since + given_back_since.
"""

from dataclasses import replace

from .ground import Ground, Refused
from .model import Event, Item, Price, PriceEdit, Review, Shop, Sku, StockSet


class StockBook(Ground):
    """Rules of stock and price. Quantities are pieces, prices fen."""

    def set_stock(self, shop: Shop, sku: Sku, quantity: int, kind: str = "set") -> None:
        """Absolute: `quantity` pieces may be sold from now on. Refused(bad_quantity | promoted | deleted)."""
        item = self.item(shop, sku.item_id)
        if item.deleted:
            raise Refused("deleted", "the item is deleted")
        if quantity < 0:
            raise Refused("bad_quantity", "stock cannot be negative")
        if item.promoted and quantity < sku.sellable:
            raise Refused("promoted", "the item is on a promotion slot: its stock cannot be reduced")
        sku.sellable = quantity
        sku.last_set = StockSet(quantity, self.now(), kind)
        sku.sold_since = sku.given_back_since = 0
        self.emit(Event("stock.written", self.now(), shop, sku=sku))

    def add_stock(self, shop: Shop, sku: Sku, delta: int, kind: str = "delta") -> None:
        """Relative: the result must be >= 0. Same refusals as `set_stock`."""
        self.set_stock(shop, sku, sku.sellable + delta, kind)

    def sell(self, sku: Sku, quantity: int) -> None:
        """A buyer takes pieces; Refused(no_stock)."""
        if quantity > sku.sellable:
            raise Refused("no_stock", f"SKU {sku.sku_id} has {sku.sellable} left")
        sku.sellable -= quantity
        sku.held += quantity
        sku.sold_since += quantity

    def send_off(self, sku: Sku, quantity: int) -> None:
        """Held pieces left the house."""
        sku.held -= quantity

    def give_back(self, sku: Sku, quantity: int) -> None:
        """Held pieces may be sold again (cancelled before shipping)."""
        sku.held -= quantity
        sku.sellable += quantity
        sku.given_back_since += quantity

    def set_price(
        self, shop: Shop, sku: Sku, price: Price, *, on_shelf: bool | None = None, edit_id: str | None = None
    ) -> str | None:
        """Change the price; an edit id when it waits for review (Pinduoduo), None when it holds at once.

        `on_shelf` is what the SKU's shelf becomes together with the price; `edit_id` joins an edit begun for
        another SKU of the same item. Refused(bad_price | deleted).
        """
        item = self.item(shop, sku.item_id)
        if item.deleted:
            raise Refused("deleted", "the item is deleted")
        if min(price.sale, price.single, price.market) <= 0:
            raise Refused("bad_price", "prices must be positive")
        shelf = sku.on_shelf if on_shelf is None else on_shelf
        if not self.profiles[shop.channel].reviews_prices:
            sku.price, sku.on_shelf = price, shelf
            self.touch_item(shop, item)
            return None
        edit_id = edit_id or str(880_000_000_000 + self.number())
        edit = PriceEdit(edit_id, price, self.now() + self.settings.review_delay, shelf)
        sku.pending_price = edit
        self.reviews[edit_id] = Review(shop.shop_id, item.item_id, "pending")
        self.at(edit.due, lambda: self._finish_review(shop, item, sku, edit))
        return edit.edit_id

    def _finish_review(self, shop: Shop, item: Item, sku: Sku, edit: PriceEdit) -> None:
        review = self.reviews[edit.edit_id]
        if review.outcome == "pending":
            rejected = self.random.random() < self.settings.review_rejects
            self.reviews[edit.edit_id] = review = replace(review, outcome="rejected" if rejected else "passed")
        if sku.pending_price is not edit:
            return
        sku.pending_price = None
        if review.outcome == "rejected":
            self.touch_item(shop, item, "item.rejected")
            return
        sku.price, sku.on_shelf = edit.price, edit.on_shelf
        self.touch_item(shop, item)

    def set_shelf(self, shop: Shop, item: Item, on_shelf: bool) -> bool:
        """Put on or take off sale; False when it already was. Refused(deleted | in_review)."""
        if item.deleted:
            raise Refused("deleted", "the item is deleted")
        if on_shelf and item.review != "passed":
            raise Refused("in_review", "the item has not passed review")
        if item.on_shelf == on_shelf:
            return False
        item.on_shelf = on_shelf
        if on_shelf:
            item.listed = self.now()
        else:
            item.delisted = self.now()
        self.touch_item(shop, item, "item.on_shelf" if on_shelf else "item.off_shelf")
        return True

    def delete_item(self, shop: Shop, item: Item) -> None:
        """The merchant deletes the item."""
        item.deleted, item.on_shelf = True, False
        self.touch_item(shop, item, "item.deleted")
