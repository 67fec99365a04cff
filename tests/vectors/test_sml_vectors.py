"""What real SML meters sent, beside what another program prints for it."""

from __future__ import annotations

from itertools import takewhile

import pytest

from openami.model.quantity import Quantity
from openami.protocols.sml.file import decode_file
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.transport import TransportedFile, TransportParser
from shared_vectors import VECTORS

DUMPS = sorted((VECTORS / "sml" / "unlicensed").glob("*.bin"))
PRINTED = VECTORS / "sml" / "gpl"


def printed(octets: bytes) -> str:
    """Octets as the other program prints them: text as long as it is text, then hexadecimal."""
    text = "".join(map(chr, takewhile(lambda octet: 32 <= octet < 127, octets)))
    return text + "".join(f"{octet:02x} " for octet in octets[len(text) :])


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
def test_every_value_of_a_dump(dump):
    parser = TransportParser()
    events = parser.feed(dump.read_bytes()) + parser.flush()
    files = [event for event in events if isinstance(event, TransportedFile)]
    found = [each for file in files for each in measurements(decode_file(file.data)) if each.value is not None]
    expected = (PRINTED / f"{dump.stem}.libsml.txt").read_text().splitlines()
    assert len(found) == len(expected)
    for measurement, line in zip(found, expected, strict=True):
        name, value, unit = line.split("#")[:3]
        assert str(measurement.name) == name
        if isinstance(measurement.value, Quantity):
            assert (float(measurement.value.value), measurement.value.unit.symbol) == (float(value), unit)
        else:
            assert printed(measurement.value) == value
