"""Records read by a plan are those that the walk from record to record finds."""

import pytest

from openami.model.errors import DecodeError
from openami.protocols.mbus.layout import compile_layout
from openami.protocols.mbus.plan import PLANS_MAX, PLANS_PER_KEY_MAX, Plans, make_plan
from openami.protocols.mbus.records import PLANS, decode_records, walk_records

TELEGRAMS = (
    "0c1378563412 046d28270a2b 4c1300002211 426cbf2c 0b3b120000 02fd170000",
    "2f2f 0413c4090000 0dfd0903414243 0413ffffff7f 2f2f2f",
    "01fd0c05 0f 0102030405",
    "0413c4090000 1f 00",
    "7f 0413c4090000",
    "84101300000080 05ff2d0000803f 8d04ee130b3bfe990000520000100000 02ba6b1200 0413120000ff",
)


@pytest.mark.parametrize("text", TELEGRAMS)
def test_third_time_by_plan_and_equal(text):
    PLANS.forget()
    data = bytes.fromhex(text)
    read = [decode_records(data) for _ in range(3)]
    assert [records.plan is None for records in read] == [True, True, False]
    assert read[2] == walk_records(data)


def test_other_data_under_the_same_headers_fit_other_headers_do_not():
    PLANS.forget()
    data = bytes.fromhex(TELEGRAMS[0])
    for _ in range(3):
        decode_records(data)
    changed = data[:2] + b"\x99\x99\x99\x99" + data[6:]
    assert decode_records(changed).plan is not None
    assert decode_records(changed) == walk_records(changed)
    other = data[:6] + b"\x04\x13" + data[8:]
    assert decode_records(other).plan is None
    assert decode_records(other) == walk_records(other)


def test_what_cannot_be_read_makes_no_plan():
    PLANS.forget()
    for _ in range(3):
        with pytest.raises(DecodeError):
            decode_records(bytes.fromhex("0413c409"))
    assert PLANS.find(bytes.fromhex("0413c409")) is None


def test_plans_are_bounded():
    plans = Plans(keys_max=2)
    plan = make_plan(b"\x01\x13\x00", (), 3, more=False, everything=False)
    for size in range(3, 30):
        data = b"\x01" * size
        assert not plans.wanted(data)
        assert plans.wanted(data)
    for _ in range(2 * PLANS_MAX):
        if plans.wanted(data):
            plans.keep(data, plan)
    assert sum(plans.wanted(b"\x01" * size) for size in range(28, 30)) <= 1


def test_plans_of_many_telegrams_are_bounded_together():
    plans = Plans()
    plan = make_plan(b"\x01\x13\x00", (), 3, more=False, everything=False)
    beginnings = [number.to_bytes(2, "big") for number in range(PLANS_MAX // PLANS_PER_KEY_MAX + 1)]
    for data in beginnings:
        plans.wanted(data)
        for _ in range(PLANS_PER_KEY_MAX):
            plans.keep(data, plan)
    assert plans.find(bytes(2)) is None
    assert plans.wanted(beginnings[-1]) is False


def test_layouts_of_one_header_are_equal_however_often_they_are_worked_out():
    first = compile_layout(bytes.fromhex("0413"))
    compile_layout.cache_clear()
    again = compile_layout(bytes.fromhex("0413"))
    assert again is not first
    assert (again == first, hash(again) == hash(first), again != first) == (True, True, False)
    assert again != compile_layout(bytes.fromhex("0414"))
