"""Entering metering points, meters and consumers from a CSV file, line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, get_type_hints
from zoneinfo import available_timezones

import msgspec
from msgspec import Meta

from openami.app.mbus_enrolment import COLLECTOR_LINK, MbusLine, enrol_mbus_meter
from openami.app.parts import BackOffice
from openami.app.port_enrolment import PortLine, enrol_port_meter
from openami.backoffice.registry.registry import Registry
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.links.address import parse_address
from openami.model.errors import OpenAmiError, SettingError
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit

ENERGIES = (ObisCode(1, 0, 1, 8, 0), ObisCode(1, 0, 2, 8, 0))
KINDS = (ChannelKind.INTERVAL_ENERGY, ChannelKind.REGISTER_SNAPSHOT)
LINE_MAX = 1 << 16
KEY_OR_NONE = "^([0-9a-fA-F]{32})?$"


class EnrolmentLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of the file: a metering point with its meter, and perhaps its consumer."""

    point: Annotated[str, Meta(min_length=1, max_length=64, description="Code of the metering point.")]
    address: Annotated[str, Meta(min_length=1, max_length=200, description="Service address.")]
    zone: Annotated[str, Meta(description="IANA time zone of the point's calendar, for example Europe/Berlin.")]
    serial: Annotated[str, Meta(min_length=1, max_length=64, description="Serial number of the meter.")]
    system_title: Annotated[str, Meta(pattern="^[0-9a-fA-F]{16}$", description="Its system title, 16 hex digits.")]
    link: Annotated[
        str, Meta(min_length=1, description="Where the head-end dials it: tcp://host:port, collector://NAME/ADDRESS.")
    ]
    framing: Annotated[
        str,
        Meta(
            pattern="^(wrapper|hdlc|gateway|one-way)$",
            description="wrapper, hdlc, gateway (prefix E6 and E7 at its collector), or one-way: it only pushes.",
        ),
    ] = "wrapper"
    resolution_s: Annotated[int, Meta(ge=60, le=86_400, description="Capture period of its load profile, seconds.")]
    encryption_key: Annotated[
        str, Meta(pattern=KEY_OR_NONE, description="Its encryption key, 32 hex digits; empty: as its shipment says.")
    ] = ""
    authentication_key: Annotated[
        str, Meta(pattern=KEY_OR_NONE, description="Its authentication key, 32 hex digits; empty as well then.")
    ] = ""
    master_key: Annotated[
        str, Meta(pattern=KEY_OR_NONE, description="Its master key, 32 hex digits; without it no key can be replaced.")
    ] = ""
    seals: Annotated[
        str, Meta(pattern="^(two)?$", description="two: critical commands only under two seals; empty: shared keys.")
    ] = ""
    transformer: Annotated[str, Meta(max_length=64, description="Transformer that feeds the point; may be empty.")] = ""
    consumer: Annotated[str, Meta(max_length=200, description="Who is supplied there; may be empty.")] = ""
    since: Annotated[str, Meta(description="Since when the meter hangs there, ISO 8601; empty: now.")] = ""

    @property
    def keys(self) -> MeterKeys | None:
        """The keys as the keystore wants them; None if they came with the shipment."""
        if not self.encryption_key and not self.authentication_key:
            return None
        master = bytes.fromhex(self.master_key) or None
        return MeterKeys(bytes.fromhex(self.encryption_key), bytes.fromhex(self.authentication_key), master_key=master)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that was not taken. `reason` names the column and never shows a key."""

    line: int
    reason: str


Line = EnrolmentLine | MbusLine | PortLine
KINDS_BY_COLUMN: Mapping[str, type[Line]] = {"mbus_address": MbusLine, "meter_number": PortLine}
"""What meters a file holds is told by a column that only such a file has; any other file is one of DLMS meters."""


def read_lines(text: Iterable[str]) -> Iterator[tuple[int, Line | Rejected]]:
    """Each line of a CSV file with a header, numbered as editors do."""
    reader = csv.DictReader(text, strict=True)
    try:
        names = list(reader.fieldnames or ())
        kind = next((kind for name, kind in KINDS_BY_COLUMN.items() if name in names), EnrolmentLine)
        _check_header(names, kind)
    except (csv.Error, UnicodeDecodeError) as error:
        raise SettingError(f"this is no CSV text in UTF-8: {error}") from error
    try:
        for row in reader:
            yield reader.line_num, _line(reader.line_num, row, kind)
    except (csv.Error, UnicodeDecodeError) as error:
        yield reader.line_num + 1, Rejected(reader.line_num + 1, str(error))


def enrol(office: BackOffice, line: Line, now: datetime) -> None:
    """Enter one line, all of it or nothing; raises `Conflict` or `SettingError`. A line again is a conflict."""
    with office.store.transaction():
        if isinstance(line, MbusLine):
            enrol_mbus_meter(office.registry, office.keystore, line, _since(line.since, now))
        elif isinstance(line, PortLine):
            enrol_port_meter(office.registry, office.keystore, line, _since(line.since, now))
        else:
            enrol_meter(office.registry, office.keystore, line, now)


def enrol_meter(registry: Registry, keystore: FileKeystore, line: EnrolmentLine, now: datetime) -> None:
    """Enter one line within the caller's transaction; raises `Conflict` or `SettingError`."""
    if not COLLECTOR_LINK.fullmatch(line.link):
        parse_address(line.link)
    since = _since(line.since, now)
    title = bytes.fromhex(line.system_title)
    point = registry.add_point(line.point, line.address, line.zone, line.transformer or None)
    guarantee = GuaranteeClass.TWO_SEALS if line.seals else GuaranteeClass.SHARED_KEYS
    meter = registry.add_meter(line.serial, title, guarantee, line.link, line.framing)
    channels = [(obis, kind) for obis in ENERGIES for kind in KINDS]
    for number, (obis, kind) in enumerate(channels, start=1):
        registry.add_channel(point.id, number, obis, kind, Unit.WATT_HOUR, 0, line.resolution_s)
    registry.install(meter.id, point.id, since)
    if line.consumer:
        registry.supply(registry.add_consumer(line.consumer).id, point.id, since)
    keep_keys(keystore, line)


def keep_keys(keystore: FileKeystore, line: EnrolmentLine) -> None:
    """Put the keys of `line` into the keystore; raises `SettingError` if it has none and no shipment brought them."""
    title = bytes.fromhex(line.system_title)
    if line.keys is not None:
        keystore.put(title, line.keys)
    elif title not in keystore.system_titles():
        raise SettingError(f"meter {line.serial} has no keys, neither in its line nor from a shipment: pki receive")


def _check_header(given: Sequence[str], kind: type[Line]) -> None:
    missing = [name for name in kind.__struct_fields__ if name in required_columns(kind) and name not in given]
    unknown = [name for name in given if name not in kind.__struct_fields__]
    if missing or unknown:
        parts = [f"missing: {', '.join(missing)}"] if missing else []
        parts += [f"unknown: {', '.join(unknown)}"] if unknown else []
        raise SettingError(f"the header's columns are wrong; {'; '.join(parts)}")


def _line(number: int, row: Mapping[str | None, str | list[str] | None], kind: type[Line]) -> Line | Rejected:
    if None in row or None in row.values():
        return Rejected(number, "the number of fields is not that of the header")
    values = {str(name): str(value).strip() for name, value in row.items()}
    if kind is not EnrolmentLine:  # an empty field means what a field that is not there means
        values = {name: value for name, value in values.items() if value or name in required_columns(kind)}
    try:
        line = msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        return Rejected(number, _wrong(str(error), kind))
    if line.zone not in available_timezones():
        return Rejected(number, f"zone {line.zone!r} is no IANA time zone")
    return line


def _wrong(message: str, kind: type[Line]) -> str:
    """What the column wants, in the words of its description; never what stands in it, which may be a key."""
    column = message.partition(" - at `$.")[2].rstrip("`")
    wanted = dict(columns(kind)).get(column)
    return f"{column} is wrong; wanted: {wanted}" if wanted else message


def columns(kind: type[Line] = EnrolmentLine) -> Iterator[tuple[str, str]]:
    """Each column of the file with what it holds."""
    hints = get_type_hints(kind, include_extras=True)
    for name in kind.__struct_fields__:
        yield name, next(one.description for one in hints[name].__metadata__ if isinstance(one, Meta)) or ""


def required_columns(kind: type[Line] = EnrolmentLine) -> set[str]:
    """The columns that every file must have."""
    return {one.encode_name for one in msgspec.structs.fields(kind) if one.required}


def _since(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"since is {text!r}; write it as 2026-01-31T12:00:00+01:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def enrol_all(office: BackOffice, text: Iterable[str], now: datetime) -> Iterator[Rejected | None]:
    """Take every line that can be taken; None for each that was, the reason for each that was not."""
    for number, line in read_lines(text):
        if isinstance(line, Rejected):
            yield line
            continue
        try:
            enrol(office, line, now)
        except OpenAmiError as error:
            yield Rejected(number, str(error))
        else:
            yield None
