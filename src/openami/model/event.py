"""What a meter reports beside values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class EventCode(IntEnum):
    """Events of our meters; the numbers are what their event log holds (our own, makers differ)."""

    POWER_DOWN = 1
    POWER_UP = 2
    CLOCK_ADJUSTED = 5
    CLOCK_INVALID = 6
    CALENDAR_ACTIVATED = 9
    ALARM_REGISTER_CLEARED = 11
    FIRMWARE_READY_FOR_ACTIVATION = 17
    FIRMWARE_ACTIVATED = 18
    COVER_OPENED = 40
    COVER_CLOSED = 41
    MAGNETIC_FIELD = 42
    AUTHENTICATION_FAILED = 46
    KEYS_CHANGED = 48
    SECURITY_POLICY_CHANGED = 49
    KEY_EXCHANGE_FAILED = 50
    FIRMWARE_VERIFICATION_FAILED = 51
    DISCONNECTED_REMOTELY = 60
    RECONNECTED_REMOTELY = 61
    DISCONNECTED_LOCALLY = 62
    RECONNECTED_LOCALLY = 63
    LIMITER_THRESHOLD_EXCEEDED = 65
    LIMITER_THRESHOLD_OK = 66
    LAST_GASP = 80
    UNDER_VOLTAGE = 81
    OVER_VOLTAGE = 82
    TEMPERATURE_HIGH = 90


def event_name(code: int) -> str:
    """The name of an event in words; unknown codes keep their number."""
    try:
        return EventCode(code).name.replace("_", " ").lower()
    except ValueError:
        return f"event {code}"


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """Meter `meter` (registry id) says that `code` happened at `at` (its clock); known here at `known_at`."""

    meter: int
    code: int
    at: datetime
    known_at: datetime
    text: str = ""

    @property
    def name(self) -> str:
        """The event's name in words; unknown codes keep their number."""
        return event_name(self.code)
