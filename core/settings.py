"""Settings: environment `QUDAO_*` over `qudao.toml` over defaults. Read once by an entry point and handed down."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from core.channel import Channel


def _split(value: object) -> object:
    """A list in the environment: its members with commas between them."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseSettings):
    """All that an operator can set. Every field is also `QUDAO_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="QUDAO_", toml_file="qudao.toml", extra="ignore", frozen=True)

    data_dir: Path = Path(".qudao")
    database_url: str = Field("", pattern=r"^($|sqlite://|postgres(ql)?(\+psycopg)?://)")
    """Empty: a SQLite file in the data folder. PostgreSQL: `postgresql://user@host/name`."""
    redis_url: str = ""
    """Empty: a redis or valkey server on PATH, else the embedded one, on a socket in the data folder."""
    secret_key: SecretStr | None = None
    """Encrypts what is secret or personal at rest. Empty: made once and kept in the data folder."""
    old_secret_keys: list[SecretStr] = Field(default_factory=list)
    """Former values of `secret_key` that still open what they encrypted; see `qudao secret rotate`."""
    gateways: dict[str, str] = Field(default_factory=dict)
    """Channel code → scheme://host:port instead of production; also `QUDAO_<CODE>_GATEWAY`."""
    push_databases: dict[str, SecretStr] = Field(default_factory=dict)
    """Channel code → SQLAlchemy URL of the database a channel pushes into; also `QUDAO_<CODE>_PUSH_DATABASE_URL`."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 3
    """Worker processes. The first serves urgent lanes alone; of three or more the second takes no bulk work, the others
    take it first.
    """
    log_level: str = "info"

    poll_orders_seconds: float = 30
    poll_after_sales_seconds: float = 60
    poll_listings_seconds: float = 3600
    first_pull_days: float = 7
    """How far back the first pull of a new shop begins."""
    feed_keep_days: float = Field(default=90, ge=0)
    """How long events are kept, whoever has not read them yet; 0: for ever."""
    feed_compact_days: float = Field(default=30, ge=0)
    """After how long only those events are kept that no later one supersedes; not before every consumer has
    acknowledged them. 0: never.
    """
    reconcile_at: str = Field(default="02:30", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """When in Shanghai shops begin to be compared with their channels every night; empty: never."""
    reconcile_spread_minutes: float = Field(default=120, ge=0)
    """Over how long the shops' beginnings are spread; a shop's own minute stays the same."""
    reconcile_days: float = Field(default=3, gt=0)
    """How far back orders and after-sales are compared."""
    drain_seconds: float = 20
    """How long one job may work on a lane before it gives the worker back."""
    lease_seconds: float = 30
    """How long a lane or a token refresh belongs to one worker without a sign of life: how late work gets when a worker
    is killed. A worker that was only slow loses the lane and finds out before it writes anything.
    """
    read_ahead: bool = True
    """Fetch the next page of a walk while the last one is being stored. Off where everything must happen in one
    thread.
    """
    audit_keep_days: float = Field(default=1100, ge=180)
    """How long the audit log is kept. Chinese law asks for records of how personal data was handled for three years
    (PIPL, article 56) and for logs of a network for six months (Cybersecurity Law), so that is the least.
    """
    people_keep_days: float = Field(default=365, ge=0)
    """How long after its last change an order that is over still tells of its people; 0: for ever."""
    notices_keep_days: float = Field(default=30, ge=1)
    """How long pushes are kept that are settled."""
    webhook_allow_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_split)] = ()
    """Networks that subscriptions may be in though they are not public, e.g. `10.0.0.0/8,127.0.0.1`; http:// is allowed
    there.
    """
    webhook_allow_http: bool = False
    """Whether subscriptions may be http:// on the public internet, where everybody on the way reads along."""
    webhook_keep_days: float = Field(default=30, ge=1)
    """How long deliveries are kept once they are settled: how far back they can be shown, sent again and recovered."""
    beat_seconds: float = 0.5
    longest_wait_seconds: float = 2
    """How long a call may wait inside a worker for its rate budget; longer waits put the lane to sleep instead."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """From the environment and `qudao.toml` in the working folder."""
        settings = cls()
        gateways = {code: url.rstrip("/") for code, url in _per_channel(environment, "_GATEWAY")}
        databases = {code: SecretStr(url) for code, url in _per_channel(environment, "_PUSH_DATABASE_URL")}
        return settings.model_copy(
            update={
                "gateways": {**settings.gateways, **gateways},
                "push_databases": {**settings.push_databases, **databases},
            }
        )

    @property
    def database(self) -> str:
        """The database's URL as SQLAlchemy wants it."""
        url = self.database_url or f"sqlite:///{self.data_dir / 'qudao.db'}"
        for plain in ("postgresql://", "postgres://"):
            if url.startswith(plain):
                return "postgresql+psycopg://" + url.removeprefix(plain)
        return url

    def gateway(self, channel: Channel) -> str:
        """Where this channel's calls go: scheme://host:port."""
        return self.gateways.get(channel.code, channel.gateway)

    def push_gateway(self, channel: Channel) -> str:
        """Where this channel's long connection goes; beside an overridden gateway, since a simulator has one port."""
        if channel.code in self.gateways:
            return "ws" + self.gateways[channel.code].removeprefix("http")
        return channel.push_gateway


def _per_channel(environment: Mapping[str, str], suffix: str) -> Iterator[tuple[str, str]]:
    """The channel's code and the value of every variable `QUDAO_<CODE><suffix>`."""
    for name, value in environment.items():
        if name.startswith("QUDAO_") and name.endswith(suffix) and value:
            yield name.removeprefix("QUDAO_").removesuffix(suffix).lower(), value
