"""The status byte of a load profile's rows."""

from __future__ import annotations

from enum import IntFlag


class ProfileStatus(IntFlag):
    """AMR profile status; 0 is a good row (bit positions as several companion specifications have them)."""

    CRITICAL_ERROR = 0x01
    CLOCK_INVALID = 0x02
    DATA_NOT_VALID = 0x04
    CLOCK_ADJUSTED = 0x20
    POWER_DOWN = 0x80
