"""Bounds and rhythms of operations."""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsSettings:
    """Times in seconds. The delay before attempt n + 1 is `backoff_s` × 2^(n−1), at most `backoff_max_s`, of which a
    random half is taken off, so that meters that failed together do not come back together.

    Of a meter that only broadcasts, one telegram in `telegram_every_s` becomes readings. A meter that pushes its
    profile and is not heard for two times `push_every_s` raises an alarm. Repeated telegrams and those of meters that
    are not ours are forgotten after `telegram_keep_s`, of the latter all but the newest `foreign_max` at once.

    `system_title` is ours as a DLMS client: one per set of keys and counters.
    """

    system_title: bytes = b"OAMHES01"
    client_sap: int = 1
    concurrency: int = 200
    attempts: int = 5
    backoff_s: float = 30.0
    backoff_max_s: float = 3_600.0
    attempt_timeout_s: float = 300.0
    dial_timeout_s: float = 30.0
    response_timeout_s: float = 15.0
    record_batch: int = 64
    pull_every_s: float = 5.0
    pull_items: int = 500
    look_every_s: float = 5.0
    telegram_every_s: int = 3_600
    telegram_keep_s: float = 86_400.0
    foreign_max: int = 100_000
    forget_every_s: float = 600.0
    push_every_s: int = 3_600

    def __post_init__(self) -> None:
        if len(self.system_title) != 8:
            raise SettingError(f"operations.system_title has {len(self.system_title)} bytes; it must have 8")
        for name in ("concurrency", "attempts", "record_batch", "pull_items", "telegram_every_s", "push_every_s"):
            if getattr(self, name) < 1:
                raise SettingError(f"operations.{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("backoff_s", "backoff_max_s", "attempt_timeout_s", "dial_timeout_s", "response_timeout_s"):
            if getattr(self, name) <= 0:
                raise SettingError(f"operations.{name} is {getattr(self, name)}; it must be above 0")


def retry_delay_s(settings: OperationsSettings, attempts: int, chance: bytes) -> float:
    """How long to wait after `attempts` failed ones; `chance` is four random bytes."""
    full = min(settings.backoff_max_s, settings.backoff_s * 2.0 ** min(attempts - 1, 40))
    part = int.from_bytes(chance[:4], "big") / (1 << 32)
    return full * (1 - part / 2)
