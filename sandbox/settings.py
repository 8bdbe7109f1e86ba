"""Settings of the world: how strict, how slow, how noisy. Frozen and validated; changed by `World.change_settings`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Limit = tuple[int, float]
"""(calls, seconds)"""


class RateLimit(BaseModel):
    """Fixed windows of one API at three levels; None = no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    shop: Limit | None = None
    app: Limit | None = None
    api: Limit | None = None


BY_CHANNEL = ("token_life", "refresh_life", "push_retry", "push_keep", "unpaid_life")
"""Settings whose numbers for a channel are its profile's unless they are given."""


class Settings(BaseModel):
    """Seconds unless said otherwise; dictionaries are keyed by channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    index_lag: dict[str, float] = Field(default_factory=dict)
    """Rows updated in the last N s are hidden from lists and, when new, not found by id."""
    rate_limits: dict[str, dict[str, RateLimit]] = Field(default_factory=dict)
    """channel -> method -> limits; replaces the platform's published ones for that method. `*` = every method."""
    rate_limits_on: bool = True
    answer_delay: float = Field(default=0, ge=0)
    """Every answer of a platform's HTTP API comes this much after the call took effect (real seconds, as a far or busy
    gateway would be). Calls on other connections do not wait for it.
    """
    clock_tolerance: float = 600
    token_life: dict[str, float] = Field(default_factory=dict)
    refresh_life: dict[str, float] = Field(default_factory=dict)
    rotate_refresh_token: bool = True
    code_life: float = 600
    allowed_ips: list[str] | None = None
    """IP allow-list of the apps; None = everybody."""
    inside_cloud: bool = False
    """Whether the caller runs in the platform's own cloud (Pinduoduo decrypt quota)."""
    review_delay: float = 5
    """Price edits that need review take effect after this."""
    review_rejects: float = 0
    """Probability that a reviewed edit is rejected."""
    risk_hold: float = 3600
    """A held order is released after this."""
    refund_delay: float = 0
    """From the merchant's consent to the money being back."""
    ship_during_refund: bool = False
    """Whether Pinduoduo ships an order whose buyer has asked for a refund (undocumented)."""
    ship_within: float = 172_800
    idempotency_memory: float = 86_400
    reveals_a_day: dict[str, int] = Field(default_factory=dict)
    """Receivers' values that a shop may have opened on one day in Shanghai; without a number as many as it likes."""
    searches_a_day: dict[str, int] = Field(default_factory=dict)
    """Searches for a person that a shop may make on such a day; the platforms' own numbers where it is left out."""
    push_retry: dict[str, list[float]] = Field(default_factory=dict)
    """Delays between attempts; most platforms repeat the last one until `push_keep`, some drop after it."""
    push_keep: dict[str, float] = Field(default_factory=dict)
    push_delay_probability: float = 0
    push_delay: float = 30
    push_duplicate_probability: float = 0
    push_reorder_probability: float = 0
    push_new_id_on_redelivery: bool = False
    unpaid_life: dict[str, float] = Field(default_factory=dict)
    """An order nobody paid is cancelled exactly this long after it was placed; without a number it waits for ever."""
    jd_clock_tolerance: float = 360
    """JD: allowed difference of `timestamp`, instead of `clock_tolerance`."""
    jd_refresh_keeps_token: bool = True
    """JD: a refresh prolongs the tokens and leaves their values; False = it hands out new ones."""
    jd_oaid_permission: bool = True
    """JD: the app may turn OAIDs into receivers and ask which of them are one receiver."""
    taobao_shop_kinds: list[Literal["taobao", "tmall"]] = Field(["taobao", "tmall"], min_length=1)
    """Taobao: what kind of seller each shop is, in turn."""
    taobao_code_life: float = 1800
    """Taobao: instead of `code_life`."""
    taobao_refreshable: bool = True
    """Taobao: the app is a service-market one; False = tokens cannot be refreshed (`re_expires_in` 0)."""
    taobao_risky_life: float | None = None
    """Taobao: high-risk calls are allowed this long after authorisation; None = as long as the token lives."""
    taobao_default_limit: Limit | None = (40, 1.0)
    """Taobao: calls of the app per API where `rate_limits` has nothing (inferred: quotas are not published)."""
    taobao_ban: float = 1
    """Taobao: how long an app that called an API too often stays banned from it."""
    taobao_calls_a_day: int | None = None
    """Taobao: calls of the whole app until it is banned for the rest of the day."""
    taobao_privacy_protection: bool = True
    """Taobao: decrypting answers virtual numbers instead of phone numbers."""
    taobao_refund_code_above: int = 200_000
    """Taobao: refunds of more fen in one call need the code that a first call sends to the seller."""
    taobao_sub_stock: Literal[1, 2] | None = None
    """Taobao: stock is deducted at order (1) or at payment (2); None = Taobao shops 1, Tmall shops 2."""
    tmc_only_on_pull: bool = False
    """Taobao: every batch of messages waits for a PullRequest; False = after the first one they come by themselves."""
    tmc_gzip_over: int | None = None
    """Taobao: message contents of more bytes are sent compressed on the long link; None = never."""
    pinduoduo_virtual_phone: bool = False
    """Pinduoduo: decrypting answers virtual numbers with an extension instead of phone numbers."""
    douyin_virtual_phone: bool = True
    """Douyin: decrypting answers virtual numbers with an extension instead of phone numbers."""
    strict_canonical: bool = False
    """Douyin: also refuse a signed body that a canonical JSON encoder would have written differently."""
    self_use: bool = True
    """Douyin: the app is a self-use one, `token.create` works without a code."""
    push_sign_method: str = "md5"
    """Douyin's `event-sign`: md5 or hmac-sha256."""
