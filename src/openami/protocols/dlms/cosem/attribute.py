"""Attributes and methods, declared once per interface class for both sides.

On the class, `Register.value` is the declaration that a client asks with: class_id, attribute_id, name, type.
On an object, `register.value` is the value that the server answers with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, overload

from openami.protocols.dlms.cosem.types import CosemType

T = TypeVar("T")


class Source(Generic[T]):
    """A value that is asked for anew at each reading, with the time (UTC seconds) as its parameter.

    `write(value, now)` takes a new value that a client sets; without it the attribute cannot be set.
    """

    __slots__ = ("read", "write")

    def __init__(self, read: Callable[[float], T], write: Callable[[T, float], None] | None = None) -> None:
        self.read = read
        self.write = write


class Holder(Protocol):
    """An object with attribute values, by attribute_id."""

    attribute_values: dict[int, Any]


class Attribute(Generic[T]):
    """Attribute `attribute_id` of an interface class; `static` as the class prints it (set by configuration)."""

    def __init__(self, attribute_id: int, cosem_type: CosemType[T], *, static: bool = False) -> None:
        self.attribute_id = attribute_id
        self.cosem_type = cosem_type
        self.static = static
        self.class_id = 0
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def of_class(self, class_id: int) -> Attribute[T]:
        """The same declaration in another interface class, which inherits it."""
        attribute = Attribute(self.attribute_id, self.cosem_type, static=self.static)
        attribute.name, attribute.class_id = self.name, class_id
        return attribute

    @overload
    def __get__(self, instance: None, owner: type) -> Attribute[T]: ...
    @overload
    def __get__(self, instance: Holder, owner: type) -> T: ...
    def __get__(self, instance: Holder | None, owner: type) -> Attribute[T] | T:
        """The declaration (on the class) or the value that is held (on an object; not of a `Source`)."""
        if instance is None:
            return self
        try:
            value: T | Source[T] = instance.attribute_values[self.attribute_id]
        except KeyError:
            raise AttributeError(f"{owner.__name__}.{self.name} has no value in this object") from None
        if isinstance(value, Source):
            raise AttributeError(f"{owner.__name__}.{self.name} depends on the time; ask value_of()")  # noqa: TRY004
        return value

    def __set__(self, instance: Holder, value: T) -> None:
        instance.attribute_values[self.attribute_id] = value

    def __repr__(self) -> str:
        return f"<attribute {self.attribute_id} {self.name} of class {self.class_id}: {self.cosem_type.name}>"


class Method:
    """Method `method_id` of an interface class, with the printed type of its parameter and of what it returns."""

    def __init__(self, method_id: int, parameter: CosemType[Any], returns: CosemType[Any] | None = None) -> None:
        self.method_id = method_id
        self.parameter = parameter
        self.returns = returns
        self.class_id = 0
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def of_class(self, class_id: int) -> Method:
        """The same declaration in another interface class, which inherits it."""
        method = Method(self.method_id, self.parameter, self.returns)
        method.name, method.class_id = self.name, class_id
        return method

    def __repr__(self) -> str:
        return f"<method {self.method_id} {self.name} of class {self.class_id}: {self.parameter.name}>"
