"""What a client can ask for, and what `Answered.answer` then is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from openami.protocols.dlms.descriptor import (
    CosemAttributeDescriptor,
    CosemAttributeDescriptorWithSelection,
    CosemMethodDescriptor,
    SelectiveAccess,
)
from openami.protocols.dlms.short_name import ParameterizedAccess, VariableName

Wanted: TypeAlias = CosemAttributeDescriptor | CosemAttributeDescriptorWithSelection
"""An attribute in a list, with or without a selection."""


@dataclass(frozen=True, slots=True)
class Associate:
    """Connect the framing and associate. The answer is the event `Associated`."""


@dataclass(frozen=True, slots=True)
class Get:
    """Read one attribute. Answer: its A-XDR octets as one bytes object, or a `DataAccessResult`."""

    descriptor: CosemAttributeDescriptor
    selection: SelectiveAccess | None = None


@dataclass(frozen=True, slots=True)
class GetList:
    """Read several attributes. Answer: a tuple of A-XDR octets or `DataAccessResult`, in their order."""

    descriptors: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Set:
    """Write one attribute with A-XDR octets. Answer: a `DataAccessResult`."""

    descriptor: CosemAttributeDescriptor
    value: bytes = field(repr=False)
    selection: SelectiveAccess | None = None


@dataclass(frozen=True, slots=True)
class SetList:
    """Write several attributes, a value for each. Answer: a tuple of `DataAccessResult`, in their order."""

    descriptors: tuple[Wanted, ...]
    values: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Action:
    """Invoke one method with the A-XDR octets of its parameter.

    Answer: a pair of `ActionResult` and the A-XDR octets, the `DataAccessResult` or the None that was returned.
    """

    descriptor: CosemMethodDescriptor
    argument: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ActionList:
    """Invoke several methods. Answer: a tuple of pairs as of `Action`, in their order."""

    descriptors: tuple[CosemMethodDescriptor, ...]
    arguments: tuple[bytes | None, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """Reads, writes and methods in one request, done in their order.

    Answer: for each a pair of its result (`DataAccessResult`, of a method `ActionResult`) and A-XDR octets, null-data
    where there is no value. With `break_on_error` the server does nothing after the first failure.
    """

    items: tuple[Get | Set | Action, ...]
    break_on_error: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """Read variables by short name. Answer: a tuple of A-XDR octets or `DataAccessResult`, in their order."""

    variables: tuple[VariableName | ParameterizedAccess, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Write variables by short name. Answer: a tuple of `DataAccessResult`; None where it is not confirmed."""

    variables: tuple[VariableName | ParameterizedAccess, ...]
    values: tuple[bytes, ...] = field(repr=False)
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Release:
    """End the association. The answer is the event `Released`."""


Request: TypeAlias = Associate | Get | GetList | Set | SetList | Action | ActionList | Access | Read | Write | Release
