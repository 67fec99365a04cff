"""How good a value is, and how well it was protected on its way."""

from __future__ import annotations

from enum import IntEnum


class Quality(IntEnum):
    """Quality of one stored value. The numbers are stored in blocks; they are never renumbered.

    The quality of a derived value is never better than that of its worst source (`worst`).
    """

    MEASURED = 0
    CALCULATED = 1
    ESTIMATED = 2
    MISSING = 3

    @staticmethod
    def worst(*qualities: Quality) -> Quality:
        """The least trustworthy of the given qualities; MEASURED if there is none."""
        return max(qualities, default=Quality.MEASURED)


class GuaranteeClass(IntEnum):
    """What the protection of a meter guarantees (architecture, section 1). Smaller is stronger."""

    TWO_SEALS = 1
    SHARED_KEYS = 2
    AUTHENTICATED = 3
    UNAUTHENTICATED = 4
