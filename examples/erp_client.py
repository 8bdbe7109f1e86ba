"""A typed client of Qudao's /v1 in one file, to copy into an ERP. Needs httpx, imports nothing of Qudao.

    qudao = Qudao("http://127.0.0.1:8080", os.environ["QUDAO_KEY"])
    qudao.put_consumer("my-erp", type=["order.*"])
    for batch in qudao.consume("my-erp"):
        ...  # one transaction of your own; the batch is acknowledged when you come back for the next

Calls are repeated while the server is away or busy: reading is harmless, and a command carries an Idempotency-Key.
A refusal is raised as `Refused` with its stable code; a command tells item by item what became of it.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import sys
import time
import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NotRequired, Self, TypedDict

import httpx

BATCH = 1000
"""How many items a command may have."""
PAGE = 500
"""How many items a page may have."""


class Event(TypedDict):
    """One CloudEvent of the feed. `id` tells repetitions, `revision` rises with every change of the object."""

    id: str
    type: str
    source: str
    subject: str
    time: str
    position: str
    revision: str
    data: dict[str, Any]


class Page(TypedDict):
    """The next events and the cursor behind them."""

    events: list[Event]
    cursor: str
    complete_through: dict[str, str]
    more: bool


class Listed(TypedDict):
    """One page of a list. `feed`: of a snapshot, where the feed stood before it."""

    items: list[dict[str, Any]]
    cursor: str
    more: bool
    feed: NotRequired[str]


class Taken(TypedDict):
    """What became of one item: `queued`, `unchanged` or `refused` (then `code` says why). It is the item `index` of
    the command, whose `outcome` can be asked for.
    """

    index: int
    state: str
    code: str
    detail: str
    warnings: list[str]
    command: str | None


class Parcel(TypedDict):
    """A parcel of a shipment. Without `lines` it holds the whole order."""

    carrier: str
    tracking_no: str
    lines: NotRequired[list[dict[str, Any]]]


class Refused(Exception):
    """Qudao says no: `code` is stable, `detail` is for people."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('code', status)}: {problem.get('detail', '')}")
        self.status, self.problem = status, problem
        self.code = str(problem.get("code", status))


class Qudao:
    """One ERP's connection. Not for several threads at once; make one each."""

    def __init__(self, url: str, key: str, *, patience: float = float("inf")) -> None:
        """`patience`: for how many seconds a call is repeated while the server is away."""
        self.http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(10, read=40),
            trust_env=False,
        )
        self.patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    # What happened

    def feed(self, after: str = "", *, wait: float = 20, limit: int = 200, **filters: Any) -> Page:
        """The events after a cursor that you keep: "" is the beginning, `now` from here on. Filters: type, shop,
        channel (lists), since.
        """
        page: Page = self._ask("GET", "/v1/feed", params={"after": after, "wait": wait, "limit": limit, **filters})
        return page

    def feed_lines(self, after: str = "", *, limit: int = 10_000, **filters: Any) -> Iterator[dict[str, Any]]:
        """The same as NDJSON, for much at once: event after event, and the page's cursor as the last."""
        params = {"after": after, "limit": limit, **filters}
        with self.http.stream("GET", "/v1/feed", params=params, headers={"Accept": "application/x-ndjson"}) as answer:
            if answer.status_code >= 400:
                answer.read()
                _checked(answer)
            for line in answer.iter_lines():
                yield json.loads(line)

    def put_consumer(self, name: str, *, start: str = "beginning", **filters: Any) -> dict[str, Any]:
        """Makes a named consumer, whose place Qudao keeps; harmless when it is there already. Starts at the beginning,
        `now`, a cursor or an instant.
        """
        made: dict[str, Any] = self._ask("PUT", f"/v1/consumers/{name}", json={"start": start, **filters})
        return made

    def consumers(self) -> list[dict[str, Any]]:
        """All of them, with their lag."""
        found: list[dict[str, Any]] = self._ask("GET", "/v1/consumers")["items"]
        return found

    def consume(self, name: str, *, wait: float = 20, limit: int = 200) -> Generator[Page, None, None]:
        """Its batches for ever, empty ones too. Each is acknowledged when the next is asked for: what a crash cuts
        short comes again.
        """
        while True:
            page: Page = self._ask("GET", f"/v1/consumers/{name}/events", params={"wait": wait, "limit": limit})
            yield page
            self.ack(name, page["cursor"])

    def ack(self, name: str, cursor: str) -> None:
        self._ask("POST", f"/v1/consumers/{name}/ack", json={"cursor": cursor})

    def snapshot(self, kind: Literal["order", "after_sale", "listing"], **filters: Any) -> Iterator[Listed]:
        """All objects of a kind, page by page (status=["open"]: those that are not over). Afterwards the feed goes on
        from the cursor `feed`, which all pages share.
        """
        yield from self._pages("/v1/snapshot", {"kind": kind, **filters})

    # What is known

    def orders(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Filters: status, shop, channel, updated_since, number …; the whole list is in /docs."""
        return self._items("/v1/orders", filters)

    def order(self, shop: str, order_id: str) -> dict[str, Any]:
        return self._read(f"/v1/orders/{shop}/{order_id}")

    def after_sales(self, **filters: Any) -> Iterator[dict[str, Any]]:
        return self._items("/v1/after-sales", filters)

    def listings(self, **filters: Any) -> Iterator[dict[str, Any]]:
        return self._items("/v1/listings", filters)

    def stock(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Listing SKUs with the SKU each is mapped to, what the channel shows and what you last said."""
        return self._items("/v1/stock", filters)

    def mappings(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Which SKU or bundle every listing SKU is."""
        return self._items("/v1/mappings", filters)

    def shops(self) -> Iterator[dict[str, Any]]:
        return self._items("/v1/shops", {})

    # What shall become true

    def set_stock(self, numbers: Mapping[str, int]) -> list[Taken]:
        """How many of each SKU may be sold, in all shops."""
        return self.command("PUT", "/v1/stock", [{"sku": sku, "quantity": n} for sku, n in numbers.items()])

    def set_prices(self, items: Sequence[Mapping[str, Any]]) -> list[Taken]:
        """In fen; each names a shop and either `sku`, or `listing_id` and `sku_id`."""
        return self.command("PUT", "/v1/prices", items)

    def set_mappings(self, items: Sequence[Mapping[str, Any]]) -> list[Taken]:
        """Which SKU a listing SKU is, or of which components it is made."""
        return self.command("PUT", "/v1/mappings", items)

    def ship(self, items: Sequence[Mapping[str, Any]]) -> list[Taken]:
        """Each names `shop`, `order_id` and `parcels`. The same parcels again change nothing."""
        return self.command("POST", "/v1/shipments", items)

    def set_memo(self, shop: str, order_id: str, text: str, flag: str = "none") -> list[Taken]:
        body = {"shop": shop, "text": text, "flag": flag}
        return self._command("PUT", f"/v1/orders/{order_id}/memo", body)

    def set_shelf(self, shop: str, listing_id: str, *, on: bool) -> list[Taken]:
        return self._command("PUT", f"/v1/listings/{listing_id}/shelf", {"shop": shop, "on": on})

    def answer_address(self, shop: str, order_id: str, *, approve: bool, refusal: str | None = None) -> list[Taken]:
        """The buyer wants another address: yes, or no with a reason."""
        body = {"shop": shop, "approve": approve} | ({"refusal": refusal} if refusal else {})
        return self._command("POST", f"/v1/orders/{order_id}/address:confirm", body)

    def reveal(self, shop: str, order_id: str, purpose: Literal["ship", "after_sale"], reason: str) -> dict[str, Any]:
        """The receiver in plain text, for a key that may. Written into the audit log; print it, do not keep it."""
        body = {"shop": shop, "purpose": purpose, "reason": reason}
        found: dict[str, Any] = self._ask("POST", f"/v1/orders/{order_id}/receiver:reveal", once=True, json=body)
        return found

    def subscribe(self, url: str, **filters: Any) -> dict[str, Any]:
        """Has the feed sent to an address of yours. Keep the `secret`, which is told this once, for `verified`."""
        made: dict[str, Any] = self._ask("POST", "/v1/subscriptions", once=True, json={"url": url, **filters})
        return made

    def command(self, method: str, path: str, items: Sequence[Mapping[str, Any]]) -> list[Taken]:
        """Sends wishes, `BATCH` at a time; answers what became of each. `outcome` tells what the channels did."""
        found: list[Taken] = []
        for start in range(0, len(items), BATCH):
            found += self._command(method, path, {"items": items[start : start + BATCH]})
        return found

    def outcome(self, command_id: str, *, seconds: float = 0) -> dict[str, Any]:
        """How a command stands; waits that long for it to be settled."""
        deadline = time.monotonic() + seconds
        while True:
            status = self._read(f"/v1/commands/{command_id}")
            if status["settled"] or time.monotonic() >= deadline:
                return status
            time.sleep(0.5)

    def _command(self, method: str, path: str, body: Mapping[str, Any]) -> list[Taken]:
        """One key for a command and all its repetitions: a command whose answer was lost is done once."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        try:
            answer = self._ask(method, path, json=body, headers=key)
        except Refused as refusal:
            return _each_refused(refusal, len(body.get("items", [body])))
        return [taken | {"command": answer["id"]} for taken in answer["items"]]

    def _items(self, path: str, filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for page in self._pages(path, filters):
            yield from page["items"]

    def _pages(self, path: str, filters: Mapping[str, Any]) -> Iterator[Listed]:
        after = ""
        while True:
            page: Listed = self._ask("GET", path, params={"after": after, "limit": PAGE, **filters})
            yield page
            after = page["cursor"]
            if not page["more"]:
                return

    def _read(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", path)
        return found

    def _ask(self, method: str, path: str, *, once: bool = False, **request: Any) -> Any:
        """One request, repeated while the server is away or asks for patience. `once`: twice would be two of it."""
        wait, deadline = 0.2, time.monotonic() + (0 if once else self.patience)
        while True:
            pause = wait
            try:
                answer = self.http.request(method, path, **request)
                if answer.status_code != 429 and answer.status_code < 500:
                    return _checked(answer)
                pause = float(answer.headers.get("Retry-After", wait))
                why = f"HTTP {answer.status_code}"
            except httpx.TransportError as error:
                if time.monotonic() >= deadline:
                    raise
                why = type(error).__name__
            else:
                if time.monotonic() >= deadline:
                    _checked(answer)
            print(f"waiting for {self.http.base_url}: {why}", file=sys.stderr)
            time.sleep(pause)
            wait = min(5.0, wait * 2)


def verified(
    secrets: Iterable[str], headers: Mapping[str, str], body: bytes, *, tolerance: float = 300
) -> Event | None:
    """A webhook's event if its Standard Webhooks signature was made with one of the secrets, and lately; else None."""
    try:
        identity, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        if abs(time.time() - int(stamp)) > tolerance:
            return None
        given = [word.removeprefix("v1,") for word in headers["webhook-signature"].split() if word.startswith("v1,")]
    except (KeyError, ValueError):
        return None
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        made = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
        if any(hmac.compare_digest(base64.b64encode(made), each.encode()) for each in given):
            event: Event = json.loads(body)
            return event
    return None


def _checked(answer: httpx.Response) -> Any:
    """The answer's JSON; raises Refused."""
    if answer.status_code < 400:
        return answer.json() if answer.content else None
    problem: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        problem = answer.json()
    raise Refused(answer.status_code, problem)


def _each_refused(refusal: Refused, count: int) -> list[Taken]:
    """When nothing could be taken there is a problem instead of an answer: each item's refusal, from its pointer."""
    if refusal.status != 422:
        raise refusal
    errors: dict[int, Mapping[str, Any]] = {}
    for error in refusal.problem.get("errors", ()):
        _, _, place = error["pointer"].partition("/items/")
        errors.setdefault(int(place.partition("/")[0] or 0), error)
    said = [errors.get(index, refusal.problem) for index in range(count)]
    return [
        {
            "index": index,
            "state": "refused",
            "code": each["code"],
            "detail": each.get("detail", ""),
            "warnings": [],
            "command": None,
        }
        for index, each in enumerate(said)
    ]
