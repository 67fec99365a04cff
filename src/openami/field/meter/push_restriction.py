"""The part of a profile that a push carries: restricted by entries or dates, with some of its columns."""

from __future__ import annotations

from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.interface_class import InterfaceClass, Selection
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.push_setup import PushObject, PushObject1, PushObject2, RestrictionType
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.selective_access import CaptureObjectDefinition, EntryDescriptor, RangeDescriptor

BUFFER = 2


def selected(item: InterfaceClass, wanted: PushObject) -> Selection | None:
    """What of the attribute is read; raises `Refused` for a restriction that cannot be.

    Without restriction a data_index other than 0 means, of a buffer, its newest rows (see `interval_push`).
    """
    if not isinstance(item, ProfileGeneric) or wanted.attribute_index != BUFFER:
        return None
    columns = wanted.columns if isinstance(wanted, PushObject2) else ()
    restriction = wanted.restriction if isinstance(wanted, PushObject1) else None
    if restriction is not None and restriction.restriction_type is not RestrictionType.NONE:
        first, last = _bounds(restriction.restriction_value)
        if restriction.restriction_type is RestrictionType.BY_DATE:
            return RangeDescriptor(item.capture_objects[0], first, last, columns)
        return EntryDescriptor(first.value, last.value, *_places(item, columns))
    if not wanted.data_index and not columns:
        return None
    start = max(1, len(item.rows) - wanted.data_index + 1) if wanted.data_index else 1
    return EntryDescriptor(start, 0, *_places(item, columns))


def _bounds(value: Data) -> tuple[Data, Data]:
    if value.type is not DataType.STRUCTURE or len(value.value) != 2:
        raise Refused(DataAccessResult.TYPE_UNMATCHED)
    return value.value[0], value.value[1]


def _places(item: ProfileGeneric, columns: tuple[CaptureObjectDefinition, ...]) -> tuple[int, int]:
    """The first and last column, counted from 1, that hold `columns`; all of them if none is named."""
    if not columns:
        return 1, 0
    held = list(item.capture_objects)
    if any(column not in held for column in columns):
        raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
    places = sorted(held.index(column) + 1 for column in columns)
    if places != list(range(places[0], places[-1] + 1)):
        raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
    return places[0], places[-1]
