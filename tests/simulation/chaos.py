"""What breaks from outside during a day: the platforms' gateways and pushes, Redis, clocks, tokens, machines."""

from collections.abc import Callable
from typing import Any

from sandbox.faults import Fault, FaultRule
from tests.simulation.day import Day

EVERY = 75.0
SKEW_SECONDS = 20.0
"""How wrong a machine's clock may be."""
LAGS = {"pinduoduo": 400.0, "douyin": 480.0, "taobao": 500.0, "jd": 480.0}
"""How late rows come into lists at worst: later than the channels' documented lag, within the overlap beyond it."""


class Chaos:
    """One thing at a time breaks, for a while or for some calls."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._dice = day.dice
        self._until: list[tuple[float, Callable[[], object]]] = []
        self.storms: list[Fault] = []
        """Refusals for too many calls that were ordered here."""
        self.flushes = 0
        self._breaks: list[Callable[[str], object]] = [
            self._storm,
            self._storm,
            self._timeouts,
            self._timeouts,
            self._garbage,
            self._platform_down,
            self._token_dies,
            self._pushes_suffer,
            self._pushes_suffer,
            self._lists_lag,
            self._redis_flushed,
            self._redis_flushed,
            self._redis_away,
            self._network_away,
            self._clock_wrong,
            self._machine_dies,
            self._machine_dies,
        ]

    def begin(self) -> None:
        """Some days are bad from the start."""
        for channel in self._day.channels:
            if self._dice.random() < 0.7:
                self._pushes_suffer(channel)
            if self._dice.random() < 0.5:
                self._lists_lag(channel)

    def act(self) -> float:
        now = self._day.world.now()
        for at, end in [each for each in self._until if each[0] <= now]:
            end()
            self._until.remove((at, end))
        self._dice.choice(self._breaks)(self._dice.choice(self._day.channels))
        return self._dice.expovariate(1 / EVERY)

    def _for(self, seconds: float, end: Callable[[], object]) -> None:
        self._until.append((self._day.world.now() + seconds, end))

    def _rule(self, kind: str, channel: str, **options: Any) -> Fault:
        rule = FaultRule.model_validate({"kind": kind, "channel": channel, **options})
        return self._day.world.faults.add(rule)

    def _rule_for(self, lasting: float, kind: str, channel: str, **options: Any) -> None:
        fault = self._rule(kind, channel, **options)
        self._for(lasting, lambda: self._day.world.faults.clear(fault.fault_id))

    def _storm(self, channel: str) -> None:
        times = self._dice.randint(1, 12)
        seconds = self._dice.choice((None, 2, 15))
        self.storms.append(self._rule("throttle", channel, times=times, seconds=seconds, probability=0.6))

    def _timeouts(self, channel: str) -> None:
        kind = self._dice.choice(("timeout_after", "timeout_after", "timeout_before"))
        self._rule(kind, channel, times=self._dice.randint(1, 6), probability=0.5, seconds=20)

    def _garbage(self, channel: str) -> None:
        kind = self._dice.choice(("html", "truncated", "http_5xx", "partial_failure", "modify_between_pages"))
        self._rule(kind, channel, times=self._dice.randint(1, 6), probability=0.5)

    def _platform_down(self, channel: str) -> None:
        self._rule_for(self._dice.uniform(20, 400), "http_5xx", channel)

    def _token_dies(self, channel: str) -> None:
        self._rule("token_death", channel, times=1)

    def _pushes_suffer(self, channel: str) -> None:
        kind = self._dice.choice(("drop_push", "drop_push", "duplicate_push", "delay_push", "reorder_push"))
        self._rule_for(self._dice.uniform(60, 900), kind, channel, probability=0.6, seconds=self._dice.uniform(5, 200))

    def _lists_lag(self, channel: str) -> None:
        self._rule_for(self._dice.uniform(60, 900), "index_lag", channel, seconds=self._dice.uniform(10, LAGS[channel]))

    def _redis_flushed(self, _: str) -> None:
        self._day.redis_flushed()
        self.flushes += 1

    def _redis_away(self, _: str) -> None:
        day = self._day

        def back() -> None:
            day.ringing.down = day.valkey.down = False

        day.ringing.down = day.valkey.down = True
        self._for(self._dice.uniform(2, 40), back)

    def _network_away(self, _: str) -> None:
        self._day.wire.down = True
        self._for(self._dice.uniform(2, 60), lambda: setattr(self._day.wire, "down", False))

    def _clock_wrong(self, _: str) -> None:
        process = self._dice.choice(self._day.processes)
        process.skew = self._dice.uniform(-SKEW_SECONDS, SKEW_SECONDS)
        self._for(self._dice.uniform(60, 600), lambda: setattr(process, "skew", 0.0))

    def _machine_dies(self, _: str) -> None:
        for process in self._day.processes:
            if self._dice.random() < 0.6:
                self._day.kill(process)
