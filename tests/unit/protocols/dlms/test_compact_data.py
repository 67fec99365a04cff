from __future__ import annotations

import pytest

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.compact_data import decode_compact, encode_compact
from openami.protocols.dlms.data import (
    array,
    bit_string,
    double_long_unsigned,
    long_unsigned,
    octet_string,
    structure,
    unsigned,
    visible_string,
)

VALUES = (
    octet_string(bytes(range(12))),
    double_long_unsigned(123_456),
    unsigned(7),
    structure(long_unsigned(5), visible_string("kWh")),
    array(long_unsigned(1), long_unsigned(2), long_unsigned(3)),
    bit_string("10110"),
)


def test_octets_of_a_small_template() -> None:
    buffer, template = encode_compact(9, (double_long_unsigned(0x01020304), unsigned(5), octet_string(b"ab")))
    assert template.hex() == "0203061109"
    assert buffer.hex() == "09" + "01020304" + "05" + "026162"


@pytest.mark.parametrize("count", range(1, len(VALUES) + 1))
def test_values_come_back(count: int) -> None:
    buffer, template = encode_compact(3, VALUES[:count])
    assert decode_compact(buffer, template, 3) == VALUES[:count]


def test_an_empty_buffer_holds_nothing() -> None:
    assert decode_compact(b"", b"\x02\x01\x06") == ()


@pytest.mark.parametrize(
    ("buffer", "template", "template_id"),
    [
        ("0901020304", "020106", 8),
        ("09010203", "020106", 9),
        ("090102030405", "020106", 9),
        ("090102030401020304", "020106", 9),
        ("0901020304", "06", 9),
        ("0901020304", "0201", 9),
        ("09", "020106", 9),
    ],
)
def test_what_does_not_fit_its_template_is_refused(buffer: str, template: str, template_id: int) -> None:
    with pytest.raises(DecodeError):
        decode_compact(bytes.fromhex(buffer), bytes.fromhex(template), template_id)


def test_an_array_of_many_types_has_no_template() -> None:
    with pytest.raises(LocalProtocolError):
        encode_compact(1, (array(unsigned(1), long_unsigned(1)),))
