"""Interface class Array manager (class_id 123, version 0): arrays of other objects, entry by entry.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.register_monitor import ValueDefinition
from openami.protocols.dlms.cosem.types import ANY, LONG_UNSIGNED, UNSIGNED, array_of, cosem_structure, structure_type
from openami.protocols.dlms.data import Data


@cosem_structure
class ArrayObject:
    """array_object_list element: an array by number."""

    array_object_id: Annotated[int, UNSIGNED]
    array_object: Annotated[ValueDefinition, structure_type(ValueDefinition)]


@cosem_structure
class EntryRange:
    """Entries by number, both ends included."""

    from_index: Annotated[int, LONG_UNSIGNED]
    to_index: Annotated[int, LONG_UNSIGNED]


@cosem_structure
class EntriesOfArray:
    """The parameter of `retrieve_entries` and `remove_entries`."""

    array_object_id: Annotated[int, UNSIGNED]
    entries: Annotated[EntryRange, structure_type(EntryRange)]


@cosem_structure
class NumberedEntry:
    """An entry and its number; inserted where the number is."""

    index: Annotated[int, LONG_UNSIGNED]
    entry: Annotated[Data, ANY]


@cosem_structure
class EntryOfArray:
    """The parameter of `insert_entry` and `update_entry`."""

    array_object_id: Annotated[int, UNSIGNED]
    entry: Annotated[NumberedEntry, structure_type(NumberedEntry)]


class ArrayManager(InterfaceClass, class_id=123, version=0):
    """The rights of the array's own object hold for what goes through the manager too."""

    __slots__ = ()

    array_object_list = Attribute(2, array_of(structure_type(ArrayObject)), static=True)

    retrieve_number_of_entries = Method(1, UNSIGNED, returns=ANY)
    retrieve_entries = Method(2, structure_type(EntriesOfArray), returns=array_of(ANY))
    insert_entry = Method(3, structure_type(EntryOfArray))
    update_entry = Method(4, structure_type(EntryOfArray))
    remove_entries = Method(5, structure_type(EntriesOfArray))
