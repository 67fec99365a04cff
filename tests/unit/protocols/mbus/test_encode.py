"""Records and telegrams as a meter writes them."""

from __future__ import annotations

import pytest

from openami.model.errors import LocalProtocolError
from openami.protocols.mbus.application import decode_application
from openami.protocols.mbus.dif import DataField, DataInformation, Function
from openami.protocols.mbus.encode import number_record, telegrams
from openami.protocols.mbus.records import decode_records
from openami.protocols.mbus.wired.frame import DATA_MAX
from openami.protocols.mbus.wireless.address import MeterAddress

METER = MeterAddress.parse("OAM.12345678.01.07")


@pytest.mark.parametrize("field", [DataField.INTEGER_32, DataField.BCD_8, DataField.INTEGER_64, DataField.BCD_12])
@pytest.mark.parametrize("number", [0, 1, -1, 9_999_999])
def test_numbers_round_trip(field, number):
    information = DataInformation(field, Function.MINIMUM, storage=35, tariff=5, subunit=3)
    (record,) = decode_records(number_record(b"\x13", number, information))
    assert record.layout.data == information
    assert record.value.mantissa == number


@pytest.mark.parametrize(
    ("field", "number"), [(DataField.INTEGER_8, 128), (DataField.BCD_4, 10_000), (DataField.BCD_4, -1000)]
)
def test_numbers_that_do_not_fit(field, number):
    with pytest.raises(LocalProtocolError, match="does not fit"):
        number_record(b"\x13", number, DataInformation(field))


def test_fields_that_hold_no_number():
    with pytest.raises(LocalProtocolError, match="REAL_32 holds no whole number"):
        number_record(b"\x13", 1, DataInformation(DataField.REAL_32))


def test_many_records_take_several_telegrams():
    records = [number_record(b"\x13", each, DataInformation(DataField.BCD_8, storage=each)) for each in range(100)]
    made = telegrams(METER, 255, 0x10, records)
    applications = [decode_application(ci, data) for ci, data in made]
    assert max(len(data) for _, data in made) <= DATA_MAX
    assert [each.records.more_records_follow for each in applications] == [True] * (len(made) - 1) + [False]
    assert [record.storage for each in applications for record in each.records] == list(range(100))
    assert [each.access_number for each in applications[:2]] == [255, 0]
    assert {(each.address, each.status) for each in applications} == {(METER, 0x10)}


def test_a_record_that_fits_into_no_telegram():
    with pytest.raises(LocalProtocolError, match="fits into no telegram"):
        telegrams(METER, 0, 0, [bytes(DATA_MAX)])
