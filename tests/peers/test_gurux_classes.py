"""Our interface classes beside those of a stack that we did not write: how many members, of which types."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from gurux_peer import NEEDED, PYTHON, ROOT
from openami.protocols.dlms.cosem.catalogue import MODULES
from openami.protocols.dlms.cosem.interface_class import INTERFACE_CLASSES, InterfaceClass

pytestmark = NEEDED

NOT_IN_THE_PEER = {30, 46, 50, 51, 52, 53, 55, 56, 57, 58, 59, 61, 62, 63, 67, 68, 76, 77, 101, 102, 103, 104, 105, 116}
ATTRIBUTES_DIFFER = {(12, 3): "the peer stops at version 2", (12, 4): "the peer stops at version 2"}
METHODS_DIFFER = ATTRIBUTES_DIFFER | {
    (4, 0): "the peer names `reset` and counts no method",
    (29, 0): "the peer gives `connect` to all versions",
    (29, 1): "the peer gives `connect` to all versions",
}
TYPES = {
    "OCTET_STRING": "octet-string",
    "UINT8": "unsigned",
    "UINT16": "long-unsigned",
    "UINT32": "double-long-unsigned",
    "INT8": "integer",
    "INT16": "long",
    "INT32": "double-long",
    "BITSTRING": "bit-string",
    "BOOLEAN": "boolean",
    "STRING": "visible-string",
    "DATETIME": "date-time",
    "ENUM": "enum",
}

for _module in MODULES.values():
    import_module(f"openami.protocols.dlms.cosem.{_module}")


@cache
def peer() -> dict[str, Any]:
    command = [str(PYTHON), str(ROOT / "tests" / "peers" / "gurux_classes.py")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def both() -> list[Any]:
    return [
        pytest.param(kind, id=f"{class_id}-{version}")
        for (class_id, version), kind in sorted(INTERFACE_CLASSES.items())
        if class_id not in NOT_IN_THE_PEER
    ]


def test_what_the_peer_does_not_have_is_listed() -> None:
    assert {class_id for class_id, _ in INTERFACE_CLASSES if str(class_id) not in peer()} == NOT_IN_THE_PEER


@pytest.mark.parametrize("kind", both())
def test_members_are_as_many_as_the_peer_counts(kind: type[InterfaceClass]) -> None:
    theirs, key = peer()[str(kind.class_id)][kind.version], (kind.class_id, kind.version)
    assert (max(kind.ATTRIBUTES) == theirs["attributes"]) == (key not in ATTRIBUTES_DIFFER)
    assert (max(kind.METHODS, default=0) == theirs["methods"]) == (key not in METHODS_DIFFER)


@pytest.mark.parametrize("kind", both())
def test_simple_types_are_those_of_the_peer(kind: type[InterfaceClass]) -> None:
    theirs = peer()[str(kind.class_id)][kind.version]["types"]
    for number, name in enumerate(theirs[: max(kind.ATTRIBUTES)], 1):
        ours = kind.ATTRIBUTES[number].cosem_type.name
        if name in TYPES:
            assert ours.partition("(")[0].strip() == TYPES[name], kind.ATTRIBUTES[number]
        elif name in {"ARRAY", "STRUCTURE"}:
            assert ours not in TYPES.values(), kind.ATTRIBUTES[number]
