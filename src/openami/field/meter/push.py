"""Pushes: a push setup's objects, read at the moment, in a DataNotification under general-glo-ciphering.

The meter seals with its unicast keys and with the send counter that its associations use too: no number twice. A
repeated push is the same notification, with the same invoke-id, sealed anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openami.model.obis import ObisCode
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.axdr import put_length
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.push_setup import PushObject, PushSetup
from openami.protocols.dlms.counters import apply
from openami.protocols.dlms.data import DataType
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.protection_form import Form
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityControl
from openami.protocols.dlms.selective_access import EntryDescriptor

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

INVOKE_ID_MASK: Final = 0x00FF_FFFF
HIGH_PRIORITY: Final = 0x8000_0000
CONFIRMED: Final = 0x4000_0000


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
        number = HIGH_PRIORITY | self._invoke_id | (CONFIRMED if self._meter.config.push_confirmation_s else 0)
        at = self._meter.clock.date_time(now)
        return DataNotification(number, at, notification_body(self._meter, setup, now))

    def seal(self, notification: DataNotification) -> bytes:
        """The sealed APDU. Its counter number is durable in the meter's counters before it is used."""
        sending = self._channel.sending
        if not sending.available:
            sending.reserved(apply(self._meter.counters, sending.reservation()))
        self._channel.keys = self._meter.security.shared.used
        return self._channel.seal(encode_apdu(notification))


def notification_body(meter: ElectricityMeter, setup: ObisCode, now: float) -> bytes:
    """A structure of the attributes in the push setup's push_object_list, as A-XDR bytes."""
    objects = meter.device.object(PushSetup, setup).push_object_list
    out = bytearray((DataType.STRUCTURE,))
    put_length(len(objects), out)
    for wanted in objects:
        out += _read(meter, wanted, now)
    return bytes(out)


def _read(meter: ElectricityMeter, wanted: PushObject, now: float) -> bytes:
    item: InterfaceClass = meter.device.object(InterfaceClass, wanted.logical_name)
    return item.read(wanted.attribute_index, _newest(item, wanted.data_index), now)


def _newest(item: InterfaceClass, rows: int) -> EntryDescriptor | None:
    """A data_index other than 0 means, of a profile's buffer here, its newest rows (see `interval_push`)."""
    if not rows or not isinstance(item, ProfileGeneric):
        return None
    return EntryDescriptor(max(1, len(item.rows) - rows + 1), 0, 1, 0)
