"""Emergency plans: load shedding that was prepared in calm, is activated by two, and ends by itself."""

from __future__ import annotations

from typing import Final

import msgspec

from openami.model.errors import SettingError
from openami.protocols.seal.verbs import SWITCHING, CriticalVerb

PREPARED_BY: Final = 3
ACTIVATED_BY: Final = 2
LASTS_MAX_S: Final = 86_400


class EmergencyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What may be switched without random delay for `lasts_s` after activation, with a budget of its own.

    Raises `SettingError`.
    """

    name: str
    verbs: frozenset[CriticalVerb]
    feeders: frozenset[str]
    power_w: int
    lasts_s: int

    def __post_init__(self) -> None:
        if not self.name or not self.verbs or not self.verbs <= SWITCHING:
            raise SettingError(f"plan {self.name!r} needs a name, and verbs that switch power only")
        if not 1 <= self.lasts_s <= LASTS_MAX_S:
            raise SettingError(f"lasts_s of plan {self.name!r} is {self.lasts_s}, must be 1 to {LASTS_MAX_S}")

    def octets(self) -> bytes:
        """The plan, the same octets whoever makes them: what people sign."""
        return msgspec.msgpack.encode((self.name, sorted(self.verbs), sorted(self.feeders), self.power_w, self.lasts_s))
