"""libmbus's published frames: the numbers, units and order of its normalised XML; its error frames are refused."""

from __future__ import annotations

import struct
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from openami.model.errors import DecodeError
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.application import Application, Content, decode_application
from openami.protocols.mbus.dif import DataField
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.wired.frame import LongFrame, decode_frame
from shared_vectors import NEEDED, VECTORS

FOLDER = VECTORS / "mbus" / "permissive"
PER_HOUR = Decimal(1) / 3600
IN_THEIR_UNIT = {
    Unit.JOULE: ("Wh", PER_HOUR),
    Unit.JOULE_PER_HOUR: ("W", PER_HOUR),
    Unit.WATT_HOUR: ("Wh", Decimal(1)),
    Unit.WATT: ("W", Decimal(1)),
    Unit.CUBIC_METRE: ("m^3", Decimal(1)),
    Unit.CUBIC_METRE_PER_HOUR: ("m^3/h", Decimal(1)),
    Unit.DEGREE_CELSIUS: ("°C", Decimal(1)),
    Unit.KELVIN: ("K", Decimal(1)),
    Unit.VOLT: ("V", Decimal(1)),
    Unit.AMPERE: ("A", Decimal(1)),
    Unit.SECOND: ("s", Decimal(1)),
    Unit.MINUTE: ("s", Decimal(60)),
    Unit.HOUR: ("s", Decimal(3600)),
    Unit.DAY: ("s", Decimal(86400)),
}
FUNCTIONS = {
    "Instantaneous value": "INSTANTANEOUS",
    "Maximum value": "MAXIMUM",
    "Minimum value": "MINIMUM",
    "Value during error state": "ERROR_STATE",
}
LIMIT_VIFES = set(range(0x40, 0x70))
"""VIFEs that they do not know: their unit is that of the VIF, for a duration too."""
PRINTED = Decimal("5.1e-7")
"""Half a unit of the sixth decimal, which is the last one they print."""


def frames(folder):
    return [pytest.param(file, id=file.stem) for file in sorted((FOLDER / folder).glob("*.hex"))]


def opened(file) -> Application:
    frame = decode_frame(bytes.fromhex(file.read_text()))
    assert isinstance(frame, LongFrame)
    return decode_application(frame.ci, frame.data)


def texts(element):
    return {child.tag: child.text or "" for child in element}


def expectation(file):
    # The files say ISO-8859-1 and are UTF-8.
    root = ET.parse(file.with_suffix(".norm.xml"), ET.XMLParser(encoding="utf-8")).getroot()
    return texts(root.find("SlaveInformation")), [texts(record) for record in root.findall("DataRecord")]


def check_quantity(record, value, expected):
    their_unit, factor = IN_THEIR_UNIT.get(record.unit, (None, Decimal(1)))
    if their_unit is not None and not LIMIT_VIFES & set(record.layout.vifes):
        assert expected["Unit"] == their_unit
    ours, theirs = value.value * factor, Decimal(expected["Value"])
    if record.layout.data.data_field is DataField.REAL_32 and factor == 1:
        unscaled = value.value.scaleb(-record.layout.exponent)
        assert struct.pack("<f", float(unscaled)) == record.raw
        assert abs(ours - theirs) <= max(PRINTED, abs(theirs) * Decimal("6e-8"))
    else:
        assert abs(ours - theirs) <= max(PRINTED, abs(theirs) * Decimal("1e-14"))


def check_record(record, expected):
    assert record.function.name == FUNCTIONS[expected["Function"]]
    assert record.storage == int(expected["StorageNumber"])
    assert record.tariff == int(expected.get("Tariff", 0))
    value = record.value
    if isinstance(value, Quantity):
        check_quantity(record, value, expected)
    elif isinstance(value, MeterTime):
        check_time(value, expected)
    elif isinstance(value, bytes):
        assert value[::-1].hex(" ").upper() == expected["Value"]
    elif isinstance(value, str):
        assert value == expected["Value"] or int(value) == float(expected["Value"])
    else:
        check_no_value(record, expected)


def check_time(value, expected):
    if value.moment is None or expected["Unit"] != "-":  # they do not know the VIFE and print the bytes as a number
        return
    assert value.moment.isoformat() == expected["Value"].removesuffix("Z")


def check_no_value(record, expected):
    """They print what the bytes of a value that is none would count."""
    assert record.error or not record.raw or set(record.raw.hex()) & set("abcdef") or record.raw[-1] == 0x80, expected


@pytest.mark.parametrize("file", frames("test-frames"))
def test_frame(file):
    application = opened(file)
    meter, expected = expectation(file)
    if application.content is Content.FIXED:
        return check_fixed(application.fixed, meter, expected)
    assert application.content is Content.RECORDS
    assert int(application.address.identification, 16) == int(meter["Id"].rjust(8, "0"), 16)
    assert application.address.letters == meter["Manufacturer"]
    assert application.address.version == int(meter["Version"])
    assert application.access_number == int(meter["AccessNumber"])
    assert application.status == int(meter["Status"], 16)
    records = application.records
    if expected and expected[-1]["Function"] in {"Manufacturer specific", "More records follow"}:
        assert records.more_records_follow is (expected[-1]["Function"] == "More records follow")
        assert records.manufacturer_data == bytes.fromhex(expected.pop()["Value"])
    assert len(records) == len(expected)
    for record, their in zip(records, expected, strict=True):
        check_record(record, their)
    return None


def check_fixed(fixed, meter, expected):
    assert fixed.identification.lstrip("0") == meter["Id"]
    assert fixed.access_number == int(meter["AccessNumber"])
    for counter, their in zip(fixed.counters, expected, strict=True):
        scale = 1000 if their["Unit"] == "kWh" else 1
        unit = their["Unit"].removeprefix("k") if scale > 1 else their["Unit"]
        if unit == "l":
            unit, scale = "m^3", Decimal("0.001")
        assert IN_THEIR_UNIT[counter.unit][0] == unit
        assert counter.value.value == Decimal(their["Value"]) * scale
        assert counter.stored is (their["Function"] != "Actual value")


@pytest.mark.parametrize("file", frames("error-frames"))
def test_error_frame(file):
    """What a meter refuses is told as its words; what is broken is refused."""
    try:
        application = opened(file)
    except DecodeError:
        assert file.stem not in APPLICATION_REFUSALS
        return
    assert application.content is Content.ERROR
    assert application.records is None
    assert application.meaning == APPLICATION_REFUSALS[file.stem]


APPLICATION_REFUSALS = {
    "error": "",
    "premature_end_of_record": "premature end of record",
    "too_many_difes": "more than 10 DIFEs",
    "too_many_readouts": "too many readouts",
    "too_many_records": "too many records",
    "too_many_vifes": "more than 10 VIFEs",
    "unimplemented_ci": "unimplemented CI field",
}


@NEEDED
@pytest.mark.parametrize("stem", ["invalid_length", "invalid_length2"])
def test_unsupported_frame(stem):
    with pytest.raises(DecodeError):
        opened(FOLDER / "unsupported-frames" / f"{stem}.hex")


@NEEDED
@pytest.mark.parametrize("stem", ["manual_frame4", "manual_frame5", "manual_frame6"])
def test_settings_that_libmbus_cannot_read(stem):
    """Frames from a primary that set an address or an identification."""
    application = opened(FOLDER / "unsupported-frames" / f"{stem}.hex")
    assert application.content is Content.DATA_SEND
    assert application.records.records[0].quantity == (
        "address" if stem == "manual_frame4" else "enhanced identification"
    )
