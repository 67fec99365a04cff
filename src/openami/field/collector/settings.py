"""What a collector may do. Everything is bounded."""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import SettingError


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Bounds and periods of one collector. Raises `SettingError` for what cannot be meant.

    `alarm_bytes`: a push of at most so many bytes counts as an alarm, since what is inside is sealed; of one meter at
    most `alarms_per_hour` do, what is more goes with the bulk. `spread_s`: calling in starts within so many seconds.
    """

    software: str = "openami"
    alarm_bytes: int = 160
    alarms_per_hour: int = 10
    meters_max: int = 10_000
    circuits_max: int = 64
    waiting_bytes_max: int = 4 << 20
    upload_items: int = 512
    upload_bytes: int = 1 << 17
    spread_s: float = 10.0
    retry_s: float = 5.0
    retry_max_s: float = 300.0
    status_every_s: float = 60.0
    send_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("meters_max", "circuits_max", "waiting_bytes_max", "upload_items", "upload_bytes"):
            if getattr(self, name) < 1:
                raise SettingError(f"collector.{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("retry_s", "retry_max_s", "status_every_s", "send_timeout_s"):
            if getattr(self, name) <= 0:
                raise SettingError(f"collector.{name} is {getattr(self, name)}; it must be above 0")
