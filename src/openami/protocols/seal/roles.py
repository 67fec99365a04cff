"""Who may command what: the roles of the keys that a meter trusts, and the verbs of each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from openami.protocols.seal.verbs import CriticalVerb


class Role(IntEnum):
    """For whom a signing key speaks. `RECOVERY` replaces keys by its own procedure and carries no command at all."""

    NETWORK_OPERATOR = 1
    SUPPLIER = 2
    KEY_CUSTODIAN = 3
    FIELD_SERVICE = 4
    RECOVERY = 5


ROLE_VERBS: Final[Mapping[Role, frozenset[CriticalVerb]]] = {
    Role.NETWORK_OPERATOR: frozenset(
        {
            CriticalVerb.DISCONNECT,
            CriticalVerb.RECONNECT,
            CriticalVerb.LOAD_LIMIT,
            CriticalVerb.FIRMWARE_ACTIVATION,
            CriticalVerb.CLOCK_JUMP,
        }
    ),
    Role.SUPPLIER: frozenset({CriticalVerb.TARIFF}),
    Role.KEY_CUSTODIAN: frozenset({CriticalVerb.KEY_CHANGE, CriticalVerb.SECURITY_POLICY}),
    Role.FIELD_SERVICE: frozenset({CriticalVerb.RECONNECT}),
    Role.RECOVERY: frozenset(),
}
"""Our own choice; no role has every verb, and none has `DETOUR`."""
