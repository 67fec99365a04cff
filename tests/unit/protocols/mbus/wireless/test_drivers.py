"""Every driver file passes its own tests; the loader says what is wrong with one that cannot."""

from decimal import Decimal, InvalidOperation

import pytest

from openami.model.errors import SettingError
from openami.model.quantity import Quantity
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.drivers.applied import quantity
from openami.protocols.mbus.wireless.drivers.catalogue import Drivers, own_drivers
from openami.protocols.mbus.wireless.drivers.declaration import load_driver
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.reader import WirelessReader

HEAD = 'title = "x"\nsource = "y"\n'
TESTS = [pytest.param(driver, test, id=f"{driver.name}-{n}") for driver in own_drivers()
         for n, test in enumerate(driver.tests, 1)]  # fmt: skip


def said(text):
    """What a driver's test says: a number in its unit, or words."""
    number, _, unit = text.partition(" ")
    try:
        return quantity(Decimal(number), unit)
    except (InvalidOperation, KeyError):
        return text


def same(wanted, value):
    expected = said(wanted)
    if isinstance(value, Quantity) and isinstance(expected, Quantity):
        return (value.value, value.unit) == (expected.value, expected.unit)
    return str(value) == wanted


@pytest.mark.parametrize(("driver", "test"), TESTS)
def test_own_telegrams(driver, test):
    keys = KeyStore([test.key] if test.key is not None else [])
    reading = WirelessReader(keys, drivers=Drivers([driver])).read(test.telegram)
    assert reading.driver == driver.name
    found = {value.words: value.value for value in reading.values}
    assert {name: found.get(name) for name, wanted in test.values.items() if not same(wanted, found.get(name))} == {}


def test_every_driver_has_tests_and_is_found():
    drivers = Drivers(own_drivers())
    assert len(drivers.names) >= 40
    for driver in own_drivers():
        assert driver.tests, driver.name
        meter = MeterAddress.from_link(driver.tests[0].telegram[2:10])
        assert drivers.of(meter) is driver


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = ", "driver d: "),
        ('title = "x"', "driver d: source is missing"),
        (HEAD + "colour = 1", "'colour' is not known"),
        (HEAD + '[[meter]]\nmanufacturer = "X"', "meter 1: manufacturer 'X' is not three letters"),
        (HEAD + '[[layout]]\nwhere = "here"', "layout 1: where = 'here'; write ci"),
        (HEAD + '[[layout]]\nwhere = "ci"', "says no hexadecimal digits"),
        (HEAD + '[[layout]]\nwhere = "ci a0"\n[[layout.field]]\nname = "a"\nat = 0', "layout 1: field 1: "),
        (
            HEAD + '[[layout]]\nwhere = "ci a0"\n[[layout.field]]\nname = "a"\nat = 0\nsize = 2\nkind = "text"',
            "kind 'text'; known are unsigned",
        ),
        (
            HEAD + '[[layout]]\nwhere = "ci a0"\n[[layout.field]]\nname = "a"\nat = 0\nsize = 2\ncount = 3',
            "says where its number stands",
        ),
        (HEAD + '[[layout]]\nwhere = "content"\ncipher = "x"\nkeys = ["00"]', "layout 1: cipher 'x' and keys"),
        (
            HEAD + '[[layout]]\nwhere = "content"\n[[layout.field]]\nname = "a"\nat = 0\nsize = 2\nnibbles = [4]',
            "nibbles inside the 2 bytes",
        ),
        (HEAD + '[[record]]\nheader = "0413"\nname = "a"\nunit = "ells"', "record 1: unit 'ells' is not known"),
        (HEAD + '[[record]]\nheader = "0g"\nname = "a"', "record 1: non-hexadecimal"),
    ],
)
def test_errors_name_file_table_and_fault(text, words):
    with pytest.raises(SettingError) as caught:
        load_driver("d", text)
    assert words in str(caught.value)


def test_two_of_one_name_are_refused():
    driver = own_drivers()[0]
    with pytest.raises(SettingError, match="two drivers are named"):
        Drivers([driver, driver])


def test_short_bytes_give_the_fields_that_are_there():
    driver = next(driver for driver in own_drivers() if driver.name == "techem_water")
    whole = driver.tests[0].telegram
    cut = bytes((17,)) + whole[1:18]
    reading = WirelessReader(drivers=Drivers([driver])).read(cut)
    assert [value.words for value in reading.values] == ["due date, packed", "volume at the due date"]


def test_an_address_that_is_not_unique_is_of_the_same_maker():
    driver = next(driver for driver in own_drivers() if driver.name == "apator_at_wmbus_17_2")
    telegram = bytearray(driver.tests[0].telegram)
    telegram[3] |= 0x80
    assert WirelessReader().read(bytes(telegram)).driver == driver.name


def test_tags_have_sizes():
    text = HEAD + '[[layout]]\nwhere = "manufacturer data"\n[[layout.field]]\nname = "a"\nat = 0\nsize = 2\ntag = "10"'
    with pytest.raises(SettingError, match="layout 1: a: tag 10 has no size"):
        load_driver("d", text)


def test_a_key_of_somebody_else_opens_no_makers_cipher():
    driver = next(driver for driver in own_drivers() if driver.name == "izar_prios")
    text = (
        'title = "x"\nsource = "y"\n[[meter]]\nmanufacturer = "HYD"\n'
        '[[layout]]\nwhere = "manufacturer data"\ncipher = "prios"\nkeys = ["0000000000000001"]\n'
        '[[layout.field]]\nname = "volume"\nat = 5\nsize = 4\n'
    )
    telegram = driver.tests[0].telegram
    assert WirelessReader(drivers=Drivers([driver])).read(telegram).value("volume").value.value == Decimal("123.456")
    assert WirelessReader(drivers=Drivers([load_driver("d", text)])).read(telegram).values == ()


def test_an_error_of_a_meter_that_has_a_driver_is_told_as_of_any_other():
    raw = bytes.fromhex(
        "43449344785634123408700dff5f35008218000046800007b06effff97000000bf2c70020000be2696000000030003000300"
        "030003000300000300030003000300030003000300030003000300030003002f"
    )
    reading = WirelessReader().read(bytes((len(raw) - 1,)) + raw[1:])
    assert [value.name for value in reading.values] == ["application error"]
    assert not reading.driver
