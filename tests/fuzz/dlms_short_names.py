"""The object list of a device with short names."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.model.obis import ObisCode
from openami.protocols.dlms.short_names import NamedObject, ShortNames, short_names_of

OBJECTS = [NamedObject(0x1000 * number, 3, 0, ObisCode(1, 0, number, 8, 0)) for number in range(1, 9)]


@fuzz_target("dlms-short-names", [ShortNames(OBJECTS).object_list(), ShortNames([]).object_list()], inputs=30_000)
def object_list(data: bytes) -> None:
    """The map that the list gives."""
    short_names_of(data).find(0x1008)
