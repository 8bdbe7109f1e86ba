"""A client of the sandbox's control API: what a test of your own integration would use, and what the demo uses.

The platforms themselves answer on the same address, on their official paths; this is only the world behind them.
"""

from typing import Any, Self

import httpx


class SandboxControl:
    """Places orders, makes things go wrong, tells what is true. Raises httpx.HTTPError when the sandbox is away."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url.rstrip("/") + "/_sandbox/", timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def answers(self) -> bool:
        """Whether the sandbox is up."""
        try:
            return bool(self.credentials())
        except httpx.TransportError:
            return False

    def credentials(self) -> dict[str, Any]:
        """Keys, secrets and tokens of every simulated app and shop."""
        return self._ask("GET", "credentials")

    def truth(self) -> dict[str, Any]:
        """What every order, SKU and push really is."""
        return self._ask("GET", "truth")

    def place(self, channel: str, **wanted: Any) -> list[str]:
        """Buyers order; answers the order ids."""
        ids: list[str] = self._ask("POST", "orders", {"channel": channel, **wanted})["order_ids"]
        return ids

    def step(self, order_id: str, name: str, **arguments: Any) -> dict[str, Any]:
        """Moves an order's life on: pay, cancel, request_refund …"""
        return self._ask("POST", f"orders/{order_id}/{name}", arguments)

    def fault(self, kind: str, channel: str, **options: Any) -> int:
        """From now on something goes wrong; answers the rule's id."""
        number: int = self._ask("POST", "faults", {"kind": kind, "channel": channel, **options})["id"]
        return number

    def no_more_faults(self) -> None:
        self._ask("DELETE", "faults")

    def settings(self, **changed: Any) -> dict[str, Any]:
        return self._ask("POST", "settings", changed)

    def callback(self, channel: str, url: str) -> None:
        """Where the platform is to send this channel's pushes."""
        self._ask("POST", "callback", {"channel": channel, "url": url})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._client.request(method, path, json=body)
        if answer.status_code >= 400:
            raise ControlError(f"{method} {path}: {answer.json().get('error', answer.status_code)}")
        found: dict[str, Any] = answer.json()
        return found


class ControlError(Exception):
    """The sandbox says no, in words."""
