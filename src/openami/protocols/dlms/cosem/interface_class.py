"""What all interface classes share: a logical name, declared attributes and methods, and a registry by version.

The classes here follow the COSEM interface classes (DLMS UA Blue Book, IEC 62056-6-2). The text of the book was not
at hand: attribute and method numbers, names and types are from public implementations, lists and companion
specifications that print them, and were counted beside a second implementation (a test does it each time). Where no
second source was at hand, the class says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.attribute import Attribute, Method, Source
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.cosem.types import LOGICAL_NAME
from openami.protocols.dlms.data import Data, decode_data, encode_data
from openami.protocols.dlms.selective_access import EntryDescriptor, RangeDescriptor

T = TypeVar("T")
Selection = EntryDescriptor | RangeDescriptor
Handler = Callable[[Any, float], Any]

INTERFACE_CLASSES: dict[tuple[int, int], type[InterfaceClass]] = {}
"""Every declared interface class by (class_id, version)."""

_NONE: Mapping[int, Handler] = MappingProxyType({})


class InterfaceClass:
    """One COSEM object. Attributes without a value are absent from the object: they are optional or not supported."""

    __slots__ = ("attribute_values", "handlers")

    class_id: ClassVar[int] = 0
    version: ClassVar[int] = 0
    ATTRIBUTES: ClassVar[dict[int, Attribute[Any]]] = {}
    METHODS: ClassVar[dict[int, Method]] = {}

    logical_name = Attribute(1, LOGICAL_NAME, static=True)

    def __init_subclass__(cls, *, class_id: int, version: int) -> None:
        super().__init_subclass__()
        cls.class_id, cls.version = class_id, version
        declared = {name: item for kind in reversed(cls.__mro__) for name, item in vars(kind).items()}
        attributes = [item for item in declared.values() if isinstance(item, Attribute)]
        methods = [item for item in declared.values() if isinstance(item, Method)]
        cls.ATTRIBUTES = {a.attribute_id: a.of_class(class_id) for a in attributes}
        cls.METHODS = {m.method_id: m.of_class(class_id) for m in methods}
        for attribute in cls.ATTRIBUTES.values():
            setattr(cls, attribute.name, attribute)
        for method in cls.METHODS.values():
            setattr(cls, method.name, method)
        INTERFACE_CLASSES[class_id, version] = cls

    def __init__(self, logical_name: ObisCode, **values: Any) -> None:
        """Make the object; `values` are its attributes by name, each a value or a `Source`."""
        self.attribute_values: dict[int, Any] = {1: logical_name}
        self.handlers: Mapping[int, Handler] = _NONE
        for name, value in values.items():
            attribute = getattr(type(self), name)
            self.attribute_values[attribute.attribute_id] = value

    def bind(
        self,
        attribute: Attribute[T],
        read: Callable[[float], T],
        write: Callable[[T, float], None] | None = None,
    ) -> None:
        """Let `read(now)` give the attribute's value at each reading, and `write(value, now)` take a new one."""
        self.attribute_values[attribute.attribute_id] = Source(read, write)

    def handle(self, method: Method, handler: Handler) -> None:
        """Let `handler(argument, now)` do the method; it returns the answer's value, or `None`."""
        self.handlers = {**self.handlers, method.method_id: handler}

    def value_of(self, attribute: Attribute[T], now: float) -> T:
        """The attribute's value at `now` (UTC seconds)."""
        value: Any = self.attribute_values[attribute.attribute_id]
        result: T = value.read(now) if isinstance(value, Source) else value
        return result

    def read(self, attribute_id: int, selection: Selection | None, now: float) -> bytes:
        """The A-XDR bytes of an attribute; raises `Refused`."""
        attribute = self.attribute(attribute_id)
        if selection is not None:
            raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
        return encode_data(attribute.cosem_type.to_data(self.value_of(attribute, now)))

    def write(self, attribute_id: int, raw: bytes, now: float) -> None:
        """Set an attribute from the A-XDR bytes of its new value; raises `Refused`."""
        attribute = self.attribute(attribute_id)
        try:
            value = attribute.cosem_type.from_data(decode_data(raw))
        except DecodeError:
            raise Refused(DataAccessResult.TYPE_UNMATCHED) from None
        held = self.attribute_values[attribute_id]
        if not isinstance(held, Source):
            self.attribute_values[attribute_id] = value
        elif held.write is None:
            raise Refused(DataAccessResult.READ_WRITE_DENIED)
        else:
            held.write(value, now)

    def invoke(self, method_id: int, raw: bytes | None, now: float) -> bytes | None:
        """Do a method with the A-XDR bytes of its parameter; the answer's bytes. Raises `ActionRefused`."""
        method, handler = self.METHODS.get(method_id), self.handlers.get(method_id)
        if method is None or handler is None:
            raise ActionRefused(ActionResult.OBJECT_UNDEFINED)
        try:
            argument = None if raw is None else method.parameter.from_data(decode_data(raw))
        except DecodeError:
            raise ActionRefused(ActionResult.TYPE_UNMATCHED) from None
        answer = handler(argument, now)
        if answer is None or method.returns is None:
            return None
        data: Data = method.returns.to_data(answer)
        return encode_data(data)

    def attribute(self, attribute_id: int) -> Attribute[Any]:
        """The declaration of an attribute that this object has; raises `Refused`."""
        attribute = self.ATTRIBUTES.get(attribute_id)
        if attribute is None or attribute_id not in self.attribute_values:
            raise Refused(DataAccessResult.OBJECT_UNDEFINED)
        return attribute

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.attribute_values[1]}>"
