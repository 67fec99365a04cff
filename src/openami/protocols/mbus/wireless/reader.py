"""From a telegram to named values: a name, an exact value with its unit, how good it is and how well protected it came.

reader = WirelessReader(KeyStore([key]))
reading = reader.read(telegram)
for value in reading.values:
    print(value.called, value.value, value.guarantee.name)
"""

from __future__ import annotations

from typing import NamedTuple

from openami.model.errors import DecodeError
from openami.model.measurement import Measurement
from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.application import decode_application
from openami.protocols.mbus.measurements import Told, of_records
from openami.protocols.mbus.records import Record, Records, decode_records
from openami.protocols.mbus.wireless.drivers.applied import Undriven, apply
from openami.protocols.mbus.wireless.drivers.catalogue import Drivers, own_drivers
from openami.protocols.mbus.wireless.formats import FormatStore
from openami.protocols.mbus.wireless.frame_format import TRAILING_MAX
from openami.protocols.mbus.wireless.keys import Keys
from openami.protocols.mbus.wireless.opening import Opened, Protection
from openami.protocols.mbus.wireless.receiver import Receiver, Telegram
from openami.protocols.mbus.wireless.replay import ReplayGuard
from openami.protocols.mbus.wireless.security import FILLER
from openami.protocols.mbus.wireless.transport import Content, Transport

_RECORDS, _CLOSED, _NONE = Content.RECORDS, Protection.CLOSED, Protection.NONE
BARE_CI = {Content.ERROR: 0x70, Content.ALARM: 0x71}
"""The CI fields of what is read alike on wires, without a header."""


class Reading(NamedTuple):
    """What a telegram says, what stands behind the protected part too, and what the manufacturer put there.

    `sources` are the records that `values` begin with, in the same order; what a driver adds has none.
    """

    telegram: Telegram
    values: tuple[Measurement, ...] = ()
    sources: tuple[Record, ...] = ()
    manufacturer_data: bytes = b""
    problems: tuple[str, ...] = ()
    driver: str = ""

    def value(self, words: str) -> Measurement:
        """The value called `words`; raises `KeyError` if there is none."""
        for value in self.values:
            if value.words == words:
                return value
        raise KeyError(words)


def plausible_records(content: bytes) -> bool:
    """Whether bytes read as records from front to back, with at least one that the tables know."""
    try:
        records = decode_records(content)
    except DecodeError:
        return False
    known = sum(record.quantity != "reserved" for record in records)
    return known > len(records) - known


class WirelessReader:
    """Reads one telegram after another; formats, fragments and counters are kept between them, all bounded."""

    def __init__(
        self,
        keys: Keys | None = None,
        *,
        formats: FormatStore | None = None,
        replay: ReplayGuard | None = None,
        drivers: Drivers | None = None,
    ) -> None:
        self._receiver = Receiver(keys, plausible=plausible_records, replay=replay)
        self._drivers = drivers if drivers is not None else Drivers(own_drivers())
        self._formats = formats if formats is not None else FormatStore(self._drivers.formats)

    def read(self, raw: bytes) -> Reading:
        """Everything that the frame `raw` says; raises `DecodeError` for bytes that are no telegram."""
        return self.interpret(self._receiver.receive(raw))

    def interpret(self, telegram: Telegram) -> Reading:
        """The values of a telegram that has been received, under the names of the meter's driver if there is one."""
        reading = self._generic(telegram)
        driver = self._drivers.of(telegram.meter)
        transport, opened = telegram.transport, telegram.opened
        if driver is None or transport is None or opened is None or opened.protection is _CLOSED:
            return reading
        if transport.content in BARE_CI:  # alarms and errors say the same whoever tells them
            return reading
        told = Undriven(
            reading.values,
            reading.sources,
            telegram.link.address,
            transport.ci,
            reading.manufacturer_data,
            opened.content,
            opened.guarantee,
            _status(telegram),
        )
        values, sources = apply(driver, told)
        return reading._replace(values=values, sources=sources, driver=driver.name)

    def _generic(self, telegram: Telegram) -> Reading:
        content, transport, opened = telegram.content, telegram.transport, telegram.opened
        if content is None or transport is None or opened is None:
            return Reading(telegram, problems=telegram.problems)
        try:
            if transport.content is _RECORDS:
                return self._full(telegram, opened, content)
            if transport.content is Content.COMPACT:
                records = self._formats.expand(content.removeprefix(FILLER))
                return Reading(telegram, *_told(telegram, records, opened.guarantee), b"", telegram.problems)
            if transport.content is Content.FORMAT:
                self._formats.learn_format(content)
            if transport.content in BARE_CI:
                return _said(telegram, transport, opened)
        except DecodeError as error:
            return Reading(telegram, manufacturer_data=content, problems=(*telegram.problems, str(error)))
        return Reading(telegram, manufacturer_data=content, problems=telegram.problems)

    def _full(self, telegram: Telegram, opened: Opened, content: bytes) -> Reading:
        problems = list(telegram.problems)
        records = _lenient(content, problems)
        if not problems:
            self._formats.learn(records)
        values, sources = _told(telegram, records, opened.guarantee)
        left = records.manufacturer_data
        if opened.tail and opened.protection is not _NONE and not left:
            behind = _lenient(opened.tail, problems)
            told = _told(telegram, behind, opened.tail_guarantee)
            values, sources = values + told.values, sources + told.sources
            left = behind.manufacturer_data
        elif opened.tail:
            left += opened.tail
        return Reading(telegram, values, sources, left, tuple(problems))


def _said(telegram: Telegram, transport: Transport, opened: Opened) -> Reading:
    """An alarm or an application error, in words."""
    application = decode_application(BARE_CI[transport.content], opened.content.removeprefix(FILLER))
    value = Measurement(
        transport.content.value, application.meaning, status=transport.status, guarantee=opened.guarantee
    )
    records = application.records or Records(())
    told = _told(telegram, records, opened.guarantee)
    return Reading(telegram, (*told.values, value), told.sources, b"", telegram.problems)


def _told(telegram: Telegram, records: Records, guarantee: GuaranteeClass) -> Told:
    return of_records(records, telegram.meter.device_type, _status(telegram), guarantee)


def _status(telegram: Telegram) -> int | None:
    transport = telegram.transport
    return None if transport is None or transport.access_number is None else transport.status


def _lenient(content: bytes, problems: list[str]) -> Records:
    """The records of `content`, but for a few bytes behind the last one; the reason goes to `problems`.

    Content that cannot be read to its end gives no record at all: what was read before the fault may be the maker's
    own layout, and its numbers noise.
    """
    try:
        return decode_records(content)
    except DecodeError as error:
        stop = _last_good(content, error)
        left = len(content) - stop
        if left > TRAILING_MAX or stop == 0:
            problems.append(f"no records, or the maker's own layout: {error}")
            return Records((), content)
        problems.append(f"{left} bytes behind the last record")
        return Records(decode_records(content[:stop]).records, content[stop:])


def _last_good(content: bytes, error: DecodeError) -> int:
    """Where the record begins that could not be read."""
    at = error.path[0].removeprefix("record at ") if error.path else ""
    return min(int(at) if at.isdecimal() else error.offset, len(content))
