"""Errors named by what to do about them, never by a platform's code.

QudaoError
├── ConfigurationError      the operator must change a setting
├── BadSignature            an inbound message is not the platform's: refuse, store nothing
└── ChannelError            something a channel answered, or failed to answer
    ├── Throttled           over the rate budget: again after `retry_after`
    ├── Unavailable         the channel did not do it: again later
    ├── NotYet              right request, wrong moment (risk review, index lag): again later
    ├── OutcomeUnknown      a write may or may not have happened: read back, then decide
    ├── Reauthorize         the token is dead: refresh once, else pause the shop
    ├── Denied              the app or shop may not do this: pause the shop and say so
    ├── Unsupported         the channel (or our connector) cannot do this
    ├── Malformed           the answer is not what the channel documents: again a few times, then park
    │   └── Garbled         the answer is not even JSON (an error page, cut off): again later
    └── Rejected            the channel said no, and will say no again: park
        ├── NotFound
        ├── Invalid         a value in the request is wrong
        │   └── UnknownCarrier  the channel, or the shop's own list, has no such carrier
        ├── Conflict        the object is in a state that forbids it
        └── AlreadyDone     it is so already: success once a read-back proves it
"""

from typing import Self, TypeVar

from core.text import masked, visible

E = TypeVar("E", bound="ChannelError")


class QudaoError(Exception):
    """Base of everything this product raises on purpose."""


class ConfigurationError(QudaoError):
    """The operator must change a setting. Never raised for something a channel did."""


class BadSignature(QudaoError):
    """An inbound message whose signature does not prove its sender. Nothing of it may be stored."""


class ChannelError(QudaoError):
    """What a channel answered, or that it did not.

    `code`, `sub_code`, `request_id` are the channel's own words as text, empty when there was no answer.
    `message` is the channel's text; it must hold no token, secret or personal value. Mobile numbers, which channels
    repeat when they refuse one, are masked here.
    """

    def __init__(
        self,
        message: str = "",
        *,
        channel: str = "",
        shop: str = "",
        operation: str = "",
        code: str = "",
        sub_code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        message = masked(visible(message))
        super().__init__(message)
        self.message = message
        self.channel = channel
        self.shop = shop
        self.operation = operation
        self.code = visible(code)
        self.sub_code = visible(sub_code)
        self.request_id = request_id
        self.retry_after = retry_after

    def at(self, *, channel: str, shop: str, operation: str) -> Self:
        """Fills in where it happened, where that is not yet said, and answers itself."""
        self.channel = self.channel or channel
        self.shop = self.shop or shop
        self.operation = self.operation or operation
        return self

    def renamed(self, kind: type[E]) -> E:
        """The same refusal as another class, for a channel that says less than what it means."""
        return kind(
            self.message,
            channel=self.channel,
            shop=self.shop,
            operation=self.operation,
            code=self.code,
            sub_code=self.sub_code,
            request_id=self.request_id,
            retry_after=self.retry_after,
        )

    def __str__(self) -> str:
        codes = "/".join(part for part in (self.code, self.sub_code) if part)
        place = " ".join(part for part in (self.channel, self.shop, self.operation) if part)
        text = ": ".join(part for part in (type(self).__name__, place, self.message) if part)
        return f"{text} [{codes}]" if codes else text


class Throttled(ChannelError):
    """Over a rate limit, the platform's or our own budget. `retry_after` is in seconds when known."""


class Unavailable(ChannelError):
    """The channel proved not to have done it: connection refused, busy, degraded, a read that timed out."""


class NotYet(ChannelError):
    """The request is right but its moment has not come. `retry_after` is in seconds when known."""


class OutcomeUnknown(ChannelError):
    """A write was sent and its answer never came or could not be read."""


class Reauthorize(ChannelError):
    """The access token is expired, revoked or unknown."""


class Denied(ChannelError):
    """The app or the shop is not permitted, e.g. permission package, address allow-list, wrong app secret."""


class Unsupported(ChannelError):
    """The channel cannot do this, or our connector cannot yet; the capability matrix says which."""


class Malformed(ChannelError):
    """An answer, or a row of it, that is not the documented shape."""


class Garbled(Malformed):
    """Not JSON at all: a gateway's error page, an answer cut off on its way. Says nothing about the thing asked for."""


class Rejected(ChannelError):
    """The channel said no for a reason that does not pass by itself."""


class NotFound(Rejected):
    """The named thing does not exist in this shop."""


class Invalid(Rejected):
    """A value in the request is wrong: carrier, tracking number, negative stock, price relation."""


class UnknownCarrier(Invalid):
    """The channel, or the shop's own list, has no such carrier; the sub code names it. Nothing was sent."""


class Conflict(Rejected):
    """The object is in a state that forbids the request: open refund, promotion lock, cancelled order."""


class AlreadyDone(Rejected):
    """The channel says that it is so already; a read-back must prove that it is *our* fact."""
