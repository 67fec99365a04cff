"""Wired and wireless records become the same measurements."""

from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass, Quality
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.application import decode_application
from openami.protocols.mbus.measurements import of_application
from openami.protocols.mbus.wireless.drivers.catalogue import own_drivers
from openami.protocols.mbus.wireless.reader import WirelessReader

RECORDS = "0c1378563412 046d28270a2b 426cbf2c 4c1300002211 02fd170000 326c0000 0c13ffffffff 04fd3a05000000"
HEADER = "78563412 ad3d 01 07 05 00 0000"


def read(text):
    wired = of_application(decode_application(0x72, bytes.fromhex(HEADER + text)))
    payload = bytes.fromhex("44 ad3d 78563412 01 07 7a 05 00 0000" + text)
    wireless = WirelessReader().read(bytes((len(payload),)) + payload).values
    assert wired == wireless
    return wired


def test_codes_units_times_and_quality():
    volume, clock, due, at_due, flags, fault, invalid, pure = read(RECORDS)
    assert volume.name == ObisCode.parse("8-0:1.0.0*255")
    assert volume.value == Quantity(12345678, -3, Unit.CUBIC_METRE)
    assert volume.remark == "local time 2016-11-10T07:40:00"
    assert (volume.status, volume.guarantee) == (0, GuaranteeClass.UNAUTHENTICATED)
    assert (clock.name, clock.value) == ("date and time", "2016-11-10T07:40:00")
    assert due.value == "2021-12-31"
    assert at_due.name == ObisCode.parse("8-0:1.2.0*255")
    assert at_due.remark == "local time 2021-12-31"
    assert (flags.name, flags.value) == ("error flags", Quantity(0, 0, Unit.COUNT))
    assert fault.quality is invalid.quality is Quality.MISSING
    assert invalid.value is None
    assert pure.name == "dimensionless"


def test_the_makers_own_fields_are_measurements_too():
    driver = next(driver for driver in own_drivers() if driver.name == "izar_prios")
    found = {str(each.name): each for each in WirelessReader().read(driver.tests[0].telegram).values}
    assert found["volume"].value == Quantity(123456, -3, Unit.CUBIC_METRE)
    assert found["set date"].value == "2019-09-30"
    assert found["volume"].plain() == {
        "name": "volume", "value": 123.456, "unit": "m³", "guarantee": "unauthenticated",
    }  # fmt: skip


def test_no_records_no_measurements():
    assert of_application(decode_application(0x70, b"\x08")) == ()
