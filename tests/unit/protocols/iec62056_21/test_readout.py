"""Read-outs read by their shape are those that the data sets give."""

import pytest

from openami.model.errors import DecodeError, FrameCheckError
from openami.model.obis import ObisCode
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.iec62056_21.data_set import decode_data_sets
from openami.protocols.iec62056_21.measurements import measurements
from openami.protocols.iec62056_21.p1 import decode_p1, encode_p1
from openami.protocols.iec62056_21.readout import LINES_MAX, SHAPES_PER_KEY_MAX, Readouts

TEXT = (
    "1.8.0(000123.456*kWh)\r\n2.8.0(000000.000*kWh)\r\n0.0.0(12345678)\r\nF.F()\r\n"
    "0-1:24.2.1(260101120000W)(00012.345*m3)\r\n1-0:99.97.0(1)(0-0:96.7.19)(260101000000W)(0000000301*s)\r\n"
    "32.7.0(230.1*V)\r\n(17)(x.y)\r\nC.1(+5)(.)\r\n14.7.0(50)\r\n1.6.0(01.5*k.W)\r\n"
)


def oracle(text):
    return measurements(decode_data_sets(text))


def test_the_third_time_by_its_shape():
    readouts = Readouts()
    for _ in range(3):
        assert readouts.read(TEXT) == oracle(TEXT)
    changed = TEXT.replace("123.456", "999.001").replace("12345678", "no number").replace("(50)", "(49)")
    assert readouts.read(changed) == oracle(changed)
    assert readouts.read(changed)[0].value == Quantity(999001, -3 + 3, Unit.WATT_HOUR)
    assert readouts.read(changed)[0].name == ObisCode.parse("1-0:1.8.0*255")


@pytest.mark.parametrize("other", ["-00123.456", "000123.45", "1٢3.456", "", "000123,456"])
def test_another_shape_is_read_anew(other):
    readouts = Readouts()
    for _ in range(3):
        readouts.read(TEXT)
    changed = TEXT.replace("000123.456", other, 1)
    for _ in range(3):
        assert readouts.read(changed) == oracle(changed)


def test_what_is_between_sets_is_refused_as_ever():
    readouts = Readouts()
    for text in (TEXT, TEXT, TEXT, TEXT + "stray"):
        if text is TEXT:
            readouts.read(text)
            continue
        with pytest.raises(DecodeError):
            readouts.read(text)


def test_shapes_are_bounded():
    readouts = Readouts()
    for n in range(1, 60):
        text = f"1.8.0(1)\r\n2.8.0({'1' * 3}.{'0' * n}*kWh)\r\n"[:65_000]
        assert readouts.read("aaaaaaaaaaaaaaaa" + text) == oracle("aaaaaaaaaaaaaaaa" + text)
    assert all(len(shapes) <= SHAPES_PER_KEY_MAX for shapes in readouts._shapes.values())
    many = "".join(f"1.8.{n}(1)\r\n" for n in range(LINES_MAX + 1))
    for _ in range(3):
        assert readouts.read(many) == oracle(many)


def test_p1_telegrams():
    telegram = encode_p1("XMX5OpenAMI", decode_data_sets(TEXT))
    readouts = Readouts()
    for _ in range(3):
        assert readouts.read_p1(telegram) == measurements(decode_p1(telegram).data_sets)
    with pytest.raises(FrameCheckError):
        readouts.read_p1(telegram.replace(b"123.456", b"123.457"))
    with pytest.raises(DecodeError) as caught:
        readouts.read_p1(b"/XMX5OpenAMI\r\n\r\nstray!\r\n")
    assert (caught.value.offset, caught.value.path[0]) == (16, "P1")
