"""Pushes: a push setup's objects, read at the moment, in a DataNotification under general-glo-ciphering.

The meter seals with its unicast keys and with the send counter that its associations use too: no number twice. A
repeated push is the same notification, with the same invoke-id, sealed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from openami.field.meter.push_policy import confirmation_s, is_signed
from openami.field.meter.push_restriction import selected
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.axdr import put_length
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.push_setup import PushObject, PushSetup
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.counters import apply
from openami.protocols.dlms.data import DataType
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.protection_form import Form
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityControl

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

INVOKE_ID_MASK: Final = 0x00FF_FFFF
HIGH_PRIORITY: Final = 0x8000_0000
CONFIRMED: Final = 0x4000_0000
BODY_BYTES_MAX: Final = 60_000
"""What fits the wrapper with its protection around it."""


class PushSender:
    """Makes the pushes of one meter."""

    __slots__ = ("_channel", "_invoke_id", "_meter")

    def __init__(self, meter: ElectricityMeter) -> None:
        config, state = meter.config, meter.server_state
        self._meter = meter
        self._invoke_id = 0
        self._channel = SecureChannel(
            config.keys,
            config.system_title,
            b"",
            state.sending,
            state.window(0, b"", config.keys.global_unicast_encryption_key),
            control=SecurityControl.AUTHENTICATED_ENCRYPTION,
            required=SecurityControl.AUTHENTICATED_ENCRYPTION,
            form=Form.GENERAL_GLOBAL,
        )

    def notification(self, setup: ObisCode, now: float) -> DataNotification:
        """What the objects of a push setup say now; confirmation is asked for if the meter waits for it."""
        self._invoke_id = (self._invoke_id + 1) & INVOKE_ID_MASK
        asked = confirmation_s(self._meter, self._meter.device.object(PushSetup, setup))
        number = HIGH_PRIORITY | self._invoke_id | (CONFIRMED if asked else 0)
        at = self._meter.clock.date_time(now)
        return DataNotification(number, at, notification_body(self._meter, setup, now))

    def seal(self, notification: DataNotification, setup: ObisCode) -> bytes:
        """The sealed APDU, signed before if the push setup says so.

        Its counter number is durable in the meter's counters before it is used.
        """
        sending = self._channel.sending
        if not sending.available:
            sending.reserved(apply(self._meter.counters, sending.reservation()))
        shared = self._meter.security.shared
        self._channel.keys, self._channel.asymmetric = shared.used, shared.asymmetric()
        self._channel.peer_system_title = shared.role.client_system_title or b""
        self._channel.sign = is_signed(self._meter.device.object(PushSetup, setup))
        return self._channel.seal(encode_apdu(notification))


def notification_body(meter: ElectricityMeter, setup: ObisCode, now: float) -> bytes:
    """A structure of the attributes in the push setup's push_object_list, as A-XDR bytes; raises `Refused`."""
    objects: tuple[PushObject, ...] = meter.device.object(PushSetup, setup).value_of(PushSetup.push_object_list, now)
    return body_of(meter, objects, now)


def body_of(meter: ElectricityMeter, objects: Sequence[PushObject], now: float) -> bytes:
    """The same of any list; raises `Refused` for what cannot be read, or is too much for one APDU."""
    out = bytearray((DataType.STRUCTURE,))
    put_length(len(objects), out)
    for wanted in objects:
        out += _read(meter, wanted, now)
        if len(out) > BODY_BYTES_MAX:
            raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
    return bytes(out)


def _read(meter: ElectricityMeter, wanted: PushObject, now: float) -> bytes:
    try:
        item: InterfaceClass = meter.device.object(InterfaceClass, wanted.logical_name)
    except KeyError:
        raise Refused(DataAccessResult.OBJECT_UNDEFINED) from None
    return item.read(wanted.attribute_index, selected(item, wanted), now)
