"""Interface class Communication port protection (class_id 124, version 0): a port that locks after failed attempts.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    UNSIGNED,
    enum_of,
)


class ProtectionMode(IntEnum):
    """protection_mode."""

    LOCKED = 0
    LOCKED_ON_FAILED_ATTEMPTS = 1
    UNLOCKED = 2


class ProtectionStatus(IntEnum):
    """protection_status."""

    UNLOCKED = 0
    TEMPORARILY_LOCKED = 1
    LOCKED = 2


class CommunicationPortProtection(InterfaceClass, class_id=124, version=0):
    """Lock-out times are seconds; each is `steepness_factor` times the one before, up to the greatest."""

    __slots__ = ()

    protection_mode = Attribute(2, enum_of(ProtectionMode), static=True)
    allowed_failed_attempts = Attribute(3, LONG_UNSIGNED, static=True)
    initial_lockout_time = Attribute(4, DOUBLE_LONG_UNSIGNED, static=True)
    steepness_factor = Attribute(5, UNSIGNED, static=True)
    max_lockout_time = Attribute(6, DOUBLE_LONG_UNSIGNED, static=True)
    port_reference = Attribute(7, LOGICAL_NAME, static=True)
    protection_status = Attribute(8, enum_of(ProtectionStatus))
    failed_attempts = Attribute(9, DOUBLE_LONG_UNSIGNED)
    cumulative_failed_attempts = Attribute(10, DOUBLE_LONG_UNSIGNED)

    reset = Method(1, INTEGER)
