"""Every declared class against `printed_classes.txt`, where a change of a name or a number shows as one.

A line is `class_id version = attributes / methods`; attributes are numbered from 2 on (1 is logical_name), methods
carry their numbers. The peer test compares the same classes with a stack that we did not write.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from openami.model.errors import DecodeError
from openami.protocols.dlms.cosem.catalogue import CLASS_NAMES, MODULES
from openami.protocols.dlms.cosem.describe import describe
from openami.protocols.dlms.cosem.interface_class import INTERFACE_CLASSES
from openami.protocols.dlms.data import Data, DataType, decode_data, encode_data

for _module in MODULES.values():
    import_module(f"openami.protocols.dlms.cosem.{_module}")

LINES = Path(__file__).with_name("printed_classes.txt").read_text().replace("\n  ", " ").splitlines()
PRINTED = re.compile(r"(\d+) (\d+) = (.*) /(.*)")
WRONG = [Data(kind, None) for kind in (DataType.NULL_DATA, DataType.DONT_CARE)] + [
    decode_data(bytes.fromhex(raw)) for raw in ("0100", "0200", "0300", "0400", "0900", "0a00", "1600", "01020f000f00")
]


def table() -> dict[tuple[int, int], tuple[dict[int, str], dict[int, str]]]:
    rows = {}
    for line in LINES:
        class_id, version, attributes, methods = PRINTED.fullmatch(line).groups()
        pairs = (method.split(":") for method in methods.split())
        names = dict(enumerate(["logical_name", *attributes.split()], 1))
        rows[int(class_id), int(version)] = names, {int(number): name for number, name in pairs}
    return rows


TABLE = table()


@pytest.mark.parametrize("key", TABLE, ids=str)
def test_members_have_the_printed_names_and_numbers(key: tuple[int, int]) -> None:
    attributes, methods = TABLE[key]
    described = describe(*key)
    assert described.declared_version == key[1]
    assert {one.number: one.name for one in described.attributes} == attributes
    assert {one.number: one.name for one in described.methods} == methods


def test_every_declared_class_is_printed_and_named() -> None:
    assert sorted(INTERFACE_CLASSES) == sorted(TABLE)
    assert set(MODULES) == {class_id for class_id, _ in TABLE}
    assert set(MODULES) <= set(CLASS_NAMES)


@pytest.mark.parametrize("module", sorted({*MODULES.values()}))
def test_every_declaration_says_where_it_is_from(module: str) -> None:
    """What was at hand, and that the book was not: nobody shall take a declaration for the book's own text."""
    said = " ".join((import_module(f"openami.protocols.dlms.cosem.{module}").__doc__ or "").split())
    source = said.partition("Source: ")[2]
    assert source.startswith(("public", "two public")), said
    assert source.endswith("no edition of the book was at hand."), said


def test_types_refuse_what_they_are_not() -> None:
    """Each type takes a value and gives the same value back, or fails with DecodeError; nothing else leaves it."""
    refused = taken = 0
    for kind in INTERFACE_CLASSES.values():
        types = [one.cosem_type for one in kind.ATTRIBUTES.values()]
        types += [one.parameter for one in kind.METHODS.values()]
        for cosem_type in types:
            for data in WRONG:
                try:
                    value = cosem_type.from_data(data)
                except DecodeError:
                    refused += 1
                else:
                    assert encode_data(cosem_type.to_data(value)) == encode_data(data)
                    taken += 1
    assert refused > 4000
    assert taken > 500


def test_the_classes_of_meters_and_of_their_networks_are_declared() -> None:
    """What companion standards, and the monitor of a power line or a ZigBee network, read."""
    meters = [1, *range(3, 13), 15, *range(17, 31), *range(40, 46), 47, 48, *range(61, 66), 67, 68, 70, 71, 72, 74]
    meters += [76, 77, 111, 112, 113, 115, 116, 122, 123, 124]
    networks = [50, 51, 52, 53, *range(55, 60), *range(80, 87), 90, 91, 92, *range(101, 106)]
    assert {*meters, *networks} - {number for number, _ in INTERFACE_CLASSES} == set()
