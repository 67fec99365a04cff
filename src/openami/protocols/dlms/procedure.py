"""Procedures: things that a client does in several requests, without I/O and without a clock.

A procedure is a generator. It yields what is to be done next, a request or a pause, and is sent the answer as
`openami.protocols.dlms.request` says (a pause has none); its return value is the result. Whoever runs it owns the
link and the time: `openami.io.links.procedure.perform` over a link, a loop in tests.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.data import decode_data, encode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.errors import DataAccessError
from openami.protocols.dlms.request import Action, Get

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so long, then go on with `None`."""

    seconds: float


Step: TypeAlias = Get | Action | Pause
Procedure: TypeAlias = Generator[Step, Any, T]


def read(attribute: Attribute[T], logical_name: ObisCode) -> Procedure[T]:
    """The value of a declared attribute; raises `DataAccessError` or `DecodeError`."""
    descriptor = CosemAttributeDescriptor(attribute.class_id, logical_name, attribute.attribute_id)
    answer = yield Get(descriptor)
    if isinstance(answer, DataAccessResult):
        raise DataAccessError(answer, f"{logical_name} {attribute.name}")
    return attribute.cosem_type.from_data(decode_data(answer))


def invoke(method: Method, logical_name: ObisCode, argument: Any) -> Procedure[ActionResult]:
    """Invoke a declared method; whatever the server says of it."""
    descriptor = CosemMethodDescriptor(method.class_id, logical_name, method.method_id)
    result: ActionResult
    result, _returned = yield Action(descriptor, encode_data(method.parameter.to_data(argument)))
    return result
