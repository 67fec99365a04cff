"""A meter on the electricity meter's wired M-Bus: what it said, and what is still to be said to it.

Whoever asks the electricity meter for something at the bus (an installation, a capture, settings) is answered at once;
the master does it when it turns to the bus next (`faces.mbus_master`), and attributes tell what became of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from openami.model.quantity import Quantity
from openami.protocols.dlms.cosem.m_bus import CaptureDefinitionElement, EncryptionKeyStatus
from openami.protocols.mbus.application import Application
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.records import Record
from openami.protocols.mbus.wired.sealed import open_application
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.keys import KeyStore

MAIN = ("energy", "volume", "heat cost allocation units")
VALUES_MAX = 4
"""Captured values of one channel."""
CAPTURE_PERIOD_S = 3600


class BusTask(Enum):
    """What a master does at a sub-meter besides reading it."""

    SET_ADDRESS = "set the primary address"
    SET_CLOCK = "set the clock"
    SEND = "send records"
    TRANSFER_KEY = "send records with a key"


class Pending(NamedTuple):
    """A task at the primary address `at`; `data` are records, or the new address."""

    task: BusTask
    at: int
    data: bytes = b""


class SubMeter:
    """One channel. Nothing is known of the sub-meter before it was read; with primary address 0 none is installed.

    `capture_definition` names the records that are captured; empty: the first of energy, volume or heat cost allocation
    units without storage and tariff.
    """

    def __init__(self, channel: int, primary_address: int) -> None:
        self.channel = channel
        self.primary_address = primary_address
        self.capture_definition: tuple[CaptureDefinitionElement, ...] = ()
        self.capture_period_s = CAPTURE_PERIOD_S
        self.pending: deque[Pending] = deque()
        self._forget()

    def _forget(self) -> None:
        self.meter: MeterAddress | None = None
        self.access_number = self.status = self.alarm = self.configuration = 0
        self.values: tuple[Quantity | None, ...] = ()
        self.read_at: float | None = None
        self.key_status = EncryptionKeyStatus.NO_ENCRYPTION_KEY
        self._keys = KeyStore()
        self._due_at = 0.0

    def due(self, now: float) -> bool:
        """Whether its values are to be captured at `now`."""
        return bool(self.primary_address) and now >= self._due_at

    def capture(self) -> None:
        """Read it when the bus is turned to next."""
        self._due_at = 0.0

    def install(self, address: int) -> None:
        """A sub-meter as it left the factory (address 0) is given `address`, and belongs to this channel."""
        self.primary_address = address
        self.pending.append(Pending(BusTask.SET_ADDRESS, 0, bytes((address,))))
        self.capture()

    def deinstall(self) -> None:
        """The sub-meter gets address 0 again, and all that is known of it is forgotten."""
        self.pending.append(Pending(BusTask.SET_ADDRESS, self.primary_address, b"\x00"))
        self.primary_address = 0
        self._forget()

    def set_key(self, key: bytes) -> None:
        """Open what it seals with `key`; empty: with none."""
        self._keys = KeyStore([key] if key else [])
        self.key_status = EncryptionKeyStatus.ENCRYPTION_KEY_SET if key else EncryptionKeyStatus.NO_ENCRYPTION_KEY

    def key_transferred(self) -> None:
        """It has taken a key."""
        self.key_status = EncryptionKeyStatus(int(self.key_status) | EncryptionKeyStatus.ENCRYPTION_KEY_TRANSFERRED)

    def take(self, applications: Sequence[Application], now: float) -> bool:
        """What it said when it was read at `now` (UTC seconds); whether all captured values were there."""
        period_s = self.capture_period_s
        self._due_at = (now // period_s + 1) * period_s if period_s else float("inf")
        records: list[Record] = []
        for each in applications:
            application, opened = open_application(each, self._keys)
            if opened is not None and application.records is not None:
                self.key_status = EncryptionKeyStatus.ENCRYPTION_KEY_IN_USE
            if application.address is not None:
                self.meter = application.address
                self.access_number, self.status = application.access_number or 0, application.status
                self.configuration = application.configuration
            records += application.records or ()
        values = self._captured(records)
        if any(value is not None for value in values):
            self.values, self.read_at = values, now
        return bool(values) and None not in values

    def value(self, number: int) -> Quantity | None:
        """The captured value `number`, from 1 on."""
        return self.values[number - 1] if number <= len(self.values) else None

    def _captured(self, records: Sequence[Record]) -> tuple[Quantity | None, ...]:
        if not self.capture_definition:
            return (_first(record for record in records if _is_main(record)),)
        headers = [one.data_information_block + one.value_information_block for one in self.capture_definition]
        return tuple(_first(record for record in records if record.layout.header == header) for header in headers)


def _first(records: Iterable[Record]) -> Quantity | None:
    """The first number among these."""
    return next((record.value for record in records if isinstance(record.value, Quantity)), None)


def _is_main(record: Record) -> bool:
    plain = record.function is Function.INSTANTANEOUS and not (record.storage or record.tariff or record.subunit)
    return plain and record.quantity in MAIN and not record.modifiers
