"""Whatever a client writes into our meter's settings and whatever method it invokes, the meter answers and lives on."""

from __future__ import annotations

import random

import pytest

from meter_bench import START, Client, make_meter
from mutation import mutate
from openami.field.meter.access import MANAGEMENT_RIGHTS
from openami.field.meter.electricity import ElectricityMeter
from openami.model.errors import DecodeError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.data import (
    array,
    decode_data,
    double_long_unsigned,
    encode_data,
    enum,
    integer,
    long_unsigned,
    octet_string,
    structure,
    unsigned,
)
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor

MANAGEMENT = Client(1)
NAMES = sorted(MANAGEMENT_RIGHTS.attributes), sorted(MANAGEMENT_RIGHTS.methods)


def seeds(meter: ElectricityMeter) -> list[bytes]:
    """What the meter's attributes read, and a value of each of a few types."""
    found = [encode_data(data) for data in _values()]
    found += [item.read(number, None, meter.now) for item in meter.device for number in item.attribute_values]
    return [raw for raw in found if len(raw) < 300]


def _values() -> list:
    stamp = octet_string(bytes(CosemDateTime.from_utc(START + 5000)))
    daily = octet_string(bytes(CosemDateTime(None, None, None, None, 3, 0, 0, 0)))
    script = structure(octet_string(bytes((0, 0, 10, 0, 106, 255))), long_unsigned(1))
    moment = structure(octet_string(bytes((5, 255, 0, 0))), octet_string(bytes((255, 255, 255, 255, 255))))
    return [
        unsigned(3),
        integer(0),
        long_unsigned(30),
        double_long_unsigned(100),
        enum(1),
        stamp,
        daily,
        script,
        array(moment),
        array(structure(daily, stamp)),
        array(double_long_unsigned(500)),
        array(structure(script, script)),
        structure(script, script),
        structure(long_unsigned(1), stamp, double_long_unsigned(900)),
        array(long_unsigned(1)),
        structure(octet_string(b"image"), double_long_unsigned(2000)),
        structure(double_long_unsigned(0), octet_string(bytes(512))),
        array(structure(long_unsigned(1), octet_string(b"\xff\xff\x01\x01\xff"), unsigned(1))),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_meter_survives_its_clients(seed: int) -> None:
    choice = random.Random(seed)
    meter = make_meter(capture_period_s=3600, push_rows=4, push_setup_version=seed)
    now, known = float(START), seeds(meter)
    attributes, methods = NAMES
    fitting = {where: [raw for raw in known if fits(meter, where, raw)] for where in attributes}
    done = 0
    for _ in range(1500):
        raw = mutate(choice, known) if choice.random() < 0.5 else choice.choice(known)
        if choice.random() < 0.7:
            code, number = choice.choice(attributes)
            if choice.random() < 0.6 and fitting[code, number]:
                raw = choice.choice(fitting[code, number])
            where = CosemAttributeDescriptor(class_of(meter, code), code, number)
            result = meter.set(MANAGEMENT, where, None, raw, now)
            assert isinstance(result, DataAccessResult)
            assert isinstance(meter.get(MANAGEMENT, where, None, now), bytes | DataAccessResult)
        else:
            code, number = choice.choice(methods)
            method = CosemMethodDescriptor(class_of(meter, code), code, number)
            result, _ = meter.action(MANAGEMENT, method, raw, now)
            assert isinstance(result, ActionResult)
        done += result == 0
        now += choice.choice([0, 0, 1, 60, 900, 10_000]) * choice.random()
        if choice.random() < 0.01:
            (meter.power_fail if choice.random() < 0.5 else meter.power_restore)(now)
    assert done > 300, "many of the settings were accepted"
    assert meter.energy.import_wh >= 0
    for item in meter.device:
        for number in item.attribute_values:
            if item.class_id != 7 or number != 2:
                assert decode_data(item.read(number, None, now))


def fits(meter: ElectricityMeter, where: tuple, raw: bytes) -> bool:
    """Whether `raw` has the printed type of an attribute."""
    code, number = where
    try:
        meter.device.object(InterfaceClass, code).ATTRIBUTES[number].cosem_type.from_data(decode_data(raw))
    except (DecodeError, KeyError):
        return False
    return True


def class_of(meter: ElectricityMeter, code) -> int:
    try:
        return meter.device.object(InterfaceClass, code).class_id
    except KeyError:
        return 15
