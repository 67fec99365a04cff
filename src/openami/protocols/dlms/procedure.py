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
from openami.protocols.dlms.errors import ActionError, DataAccessError
from openami.protocols.dlms.request import Action, Get
from openami.protocols.dlms.security import SecurityKeys

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so long, then go on with `None`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Keep:
    """Make `keys` durable beside those in use, then go on with `None`: from the next step on they may be in force."""

    keys: SecurityKeys


Step: TypeAlias = Get | Action | Pause | Keep
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


def call(method: Method, logical_name: ObisCode, argument: Any) -> Procedure[Any]:
    """Invoke a declared method and give what it returned, `None` if nothing; raises `ActionError` or `DecodeError`."""
    descriptor = CosemMethodDescriptor(method.class_id, logical_name, method.method_id)
    result, returned = yield Action(descriptor, encode_data(method.parameter.to_data(argument)))
    what = f"{logical_name} {method.name}"
    if result is not ActionResult.SUCCESS:
        raise ActionError(result, what)
    if isinstance(returned, DataAccessResult):
        raise DataAccessError(returned, f"what {what} returned")
    if returned is None or method.returns is None:
        return None
    return method.returns.from_data(decode_data(returned))
