"""What a meter showed one client: its object list and the values that were read, as they came over the line.

The text form is JSON; values are A-XDR in hexadecimal, so that nothing is lost in between. Attributes that hold
secrets are never recorded, whatever a meter shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from openami.model.errors import DecodeError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.association_ln import AssociationLN
from openami.protocols.dlms.cosem.object_model import ObjectModel
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor

FORMAT = "openami meter record 1"
OBJECT_LIST = CosemAttributeDescriptor(15, ObisCode(0, 0, 40, 0, 0), 2)
SECRETS = frozenset(
    {(12, 5), (15, 7), (19, 7), (19, 8), (19, 9), (44, 5), (45, 3), (46, 4), (100, 6), (100, 7), (101, 10), (101, 11)}
)
"""Class_id and attribute_id of what must not leave the meter: passwords, PINs and keys."""

Answer: TypeAlias = bytes | DataAccessResult


@dataclass(frozen=True, slots=True)
class MeterRecord:
    """`answers` has the A-XDR octets of each attribute that was asked for, or why the meter did not give it.

    `object_list` is the list as it came; `client_sap` is whom the meter showed it.
    """

    client_sap: int
    server_sap: int
    object_list: bytes
    answers: Mapping[CosemAttributeDescriptor, Answer]

    def model(self) -> ObjectModel:
        """What the object list says."""
        return model_of(self.object_list)

    def to_json(self) -> str:
        """The text form, one object a line."""
        objects = ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in self._objects())
        head = {"format": FORMAT, "client": self.client_sap, "server": self.server_sap}
        fields = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
        fields += [f'"object_list": "{self.object_list.hex()}"', f'"objects": [\n  {objects}\n]']
        return "{" + ",\n".join(fields) + "}\n"

    def _objects(self) -> list[dict[str, Any]]:
        by_object: dict[tuple[int, ObisCode], dict[str, Any]] = {}
        for key, answer in self.answers.items():
            said: Any = answer.hex() if isinstance(answer, bytes) else {"refused": answer.name}
            by_object.setdefault((key.class_id, key.instance_id), {})[str(key.attribute_id)] = said
        return [
            {"logical_name": str(name), "class_id": class_id, "attributes": attributes}
            for (class_id, name), attributes in by_object.items()
        ]

    @classmethod
    def from_json(cls, text: str) -> MeterRecord:
        """Read the text form; raise `SettingError` that says where it is wrong."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SettingError(f"a meter record is JSON, and this is none: {error}") from error
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            raise SettingError(f"no meter record: its format is not {FORMAT!r} (openami read --save writes one)")
        try:
            raw = bytes.fromhex(said["object_list"])
            answers = dict(pair for one in said["objects"] for pair in _answers(one))
            record = cls(int(said["client"]), int(said["server"]), raw, answers)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingError(f"the meter record is broken: {type(error).__name__} {error}") from error
        record.model()
        return record


def model_of(object_list: bytes) -> ObjectModel:
    """The model of an object_list in A-XDR; raise `SettingError` if it is none."""
    try:
        return ObjectModel.of(AssociationLN.object_list.cosem_type.from_data(decode_data(object_list)))
    except DecodeError as error:
        raise SettingError(f"the object list cannot be decoded: {error}") from error


def _answers(one: Mapping[str, Any]) -> list[tuple[CosemAttributeDescriptor, Answer]]:
    name, class_id = ObisCode.parse(one["logical_name"]), int(one["class_id"])
    return [
        (CosemAttributeDescriptor(class_id, name, int(number)), _answer(said))
        for number, said in one["attributes"].items()
    ]


def _answer(said: Any) -> Answer:
    if isinstance(said, dict):
        return DataAccessResult[said["refused"]]
    raw = bytes.fromhex(said)
    try:
        decode_data(raw)
    except DecodeError as error:
        raise ValueError(f"{said[:40]} is no A-XDR value: {error}") from error
    return raw
