"""What SML messages are made of: times, values, list entries, trees of parameters.

Names and order of the fields are those of the SML specification 1.03 (2008) as public descriptions and decoders give
them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from openami.protocols.sml.declared import (
    ANY,
    INTEGER8,
    INTEGER16,
    INTEGER64,
    OCTET_STRING,
    UNSIGNED8,
    UNSIGNED32,
    UNSIGNED64,
    Kind,
    Misfit,
    kind_of,
    later,
    list_of,
    optional,
    sequence,
    shape,
)
from openami.protocols.sml.element import Element, Unsigned, unsigned

SEC_INDEX, TIMESTAMP, LOCAL_TIMESTAMP, BARE_SEC_INDEX = 1, 2, 3, 0


@sequence
class SmlTime:
    """A moment.

    `choice` says which: `SEC_INDEX` counts seconds of the meter's own, `TIMESTAMP` seconds since 1970-01-01 UTC,
    `LOCAL_TIMESTAMP` the same with the offsets of local time in minutes. `BARE_SEC_INDEX` is the seconds index
    without its choice, as some meters send it.
    """

    choice: Annotated[int, UNSIGNED8]
    seconds: Annotated[int, UNSIGNED32]
    local_offset_min: Annotated[int, INTEGER16] = 0
    season_offset_min: Annotated[int, INTEGER16] = 0


def _read_time(element: Element) -> SmlTime:
    if isinstance(element, Unsigned):
        return SmlTime(BARE_SEC_INDEX, element)
    if not isinstance(element, list) or len(element) != 2:
        raise Misfit(f"SML_Time is a list of 2, not {shape(element)}")
    choice, value = element
    if choice in {SEC_INDEX, TIMESTAMP} and isinstance(value, Unsigned):
        return SmlTime(int(choice), value)
    if choice == LOCAL_TIMESTAMP and isinstance(value, list) and len(value) == 3:
        return SmlTime(LOCAL_TIMESTAMP, UNSIGNED32.read(value[0]), INTEGER16.read(value[1]), INTEGER16.read(value[2]))
    raise Misfit(f"SML_Time of choice {choice!r} with {shape(value)}")


def _write_time(time: SmlTime) -> Element:
    seconds = UNSIGNED32.write(time.seconds)
    if time.choice == BARE_SEC_INDEX:
        return seconds
    if time.choice == LOCAL_TIMESTAMP:
        offsets = [INTEGER16.write(time.local_offset_min), INTEGER16.write(time.season_offset_min)]
        return [unsigned(LOCAL_TIMESTAMP), [seconds, *offsets]]
    return [unsigned(time.choice, 1), seconds]


TIME: Final[Kind[SmlTime]] = Kind("SML_Time", _read_time, _write_time)
TREE_PATH: Final = list_of(OCTET_STRING)


@sequence
class ListEntry:
    """One value of a GetList response; `unit` is a COSEM unit, the value stands at 10^`scaler`."""

    obj_name: Annotated[bytes, OCTET_STRING]
    status: Annotated[int | None, optional(UNSIGNED64)]
    val_time: Annotated[SmlTime | None, optional(TIME)]
    unit: Annotated[int | None, optional(UNSIGNED8)]
    scaler: Annotated[int | None, optional(INTEGER8)]
    value: Annotated[Element, ANY]
    value_signature: Annotated[bytes | None, optional(OCTET_STRING)] = None


@sequence
class PeriodEntry:
    """One value of a stored period."""

    obj_name: Annotated[bytes, OCTET_STRING]
    unit: Annotated[int, UNSIGNED8]
    scaler: Annotated[int, INTEGER8]
    value: Annotated[Element, ANY]
    value_signature: Annotated[bytes | None, optional(OCTET_STRING)] = None


@sequence
class ProfileHeaderEntry:
    """One column of a profile in packed form."""

    obj_name: Annotated[bytes, OCTET_STRING]
    unit: Annotated[int, UNSIGNED8]
    scaler: Annotated[int, INTEGER8]


@sequence
class ValueEntry:
    """One value of a row of a profile in packed form."""

    value: Annotated[Element, ANY]
    value_signature: Annotated[bytes | None, optional(OCTET_STRING)] = None


@sequence
class ProfilePeriodEntry:
    """One row of a profile in packed form."""

    val_time: Annotated[SmlTime, TIME]
    status: Annotated[int, UNSIGNED64]
    value_list: Annotated[tuple[ValueEntry, ...], list_of(kind_of(ValueEntry))]
    period_signature: Annotated[bytes | None, optional(OCTET_STRING)] = None


@sequence
class TupelEntry:
    """Active energy of both directions and reactive energy of four quadrants, signed together."""

    server_id: Annotated[bytes, OCTET_STRING]
    sec_index: Annotated[SmlTime, TIME]
    status: Annotated[int, UNSIGNED64]
    unit_pa: Annotated[int, UNSIGNED8]
    scaler_pa: Annotated[int, INTEGER8]
    value_pa: Annotated[int, INTEGER64]
    unit_r1: Annotated[int, UNSIGNED8]
    scaler_r1: Annotated[int, INTEGER8]
    value_r1: Annotated[int, INTEGER64]
    unit_r4: Annotated[int, UNSIGNED8]
    scaler_r4: Annotated[int, INTEGER8]
    value_r4: Annotated[int, INTEGER64]
    signature_pa_r1_r4: Annotated[bytes, OCTET_STRING]
    unit_ma: Annotated[int, UNSIGNED8]
    scaler_ma: Annotated[int, INTEGER8]
    value_ma: Annotated[int, INTEGER64]
    unit_r2: Annotated[int, UNSIGNED8]
    scaler_r2: Annotated[int, INTEGER8]
    value_r2: Annotated[int, INTEGER64]
    unit_r3: Annotated[int, UNSIGNED8]
    scaler_r3: Annotated[int, INTEGER8]
    value_r3: Annotated[int, INTEGER64]
    signature_ma_r2_r3: Annotated[bytes, OCTET_STRING]


@sequence
class ProcParValue:
    """A parameter's value: `choice` 1 a plain value, 2 a `PeriodEntry`, 3 a `TupelEntry`, 4 a time."""

    choice: Annotated[int, UNSIGNED8]
    value: Annotated[Element | PeriodEntry | TupelEntry | SmlTime, ANY]


_PARAMETER_KINDS: Final[dict[int, Kind[Any]]] = {
    1: ANY,
    2: kind_of(PeriodEntry),
    3: kind_of(TupelEntry),
    4: TIME,
}


def _read_parameter(element: Element) -> ProcParValue:
    if not isinstance(element, list) or len(element) != 2:
        raise Misfit(f"SML_ProcParValue is a list of 2, not {shape(element)}")
    choice = UNSIGNED8.read(element[0])
    if choice not in _PARAMETER_KINDS:
        raise Misfit(f"SML_ProcParValue of choice {choice}")
    try:
        return ProcParValue(int(choice), _PARAMETER_KINDS[choice].read(element[1]))
    except Misfit as error:
        error.inside("value", 1)
        raise


def _write_parameter(value: ProcParValue) -> Element:
    return [unsigned(value.choice, 1), _PARAMETER_KINDS[value.choice].write(value.value)]


PARAMETER: Final[Kind[ProcParValue]] = Kind("SML_ProcParValue", _read_parameter, _write_parameter)


@sequence
class Tree:
    """A parameter with its value and the parameters below it."""

    parameter_name: Annotated[bytes, OCTET_STRING]
    parameter_value: Annotated[ProcParValue | None, optional(PARAMETER)] = None
    child_list: Annotated[tuple[Tree, ...] | None, optional(list_of(later("SML_Tree", lambda: kind_of(Tree))))] = None


TREE: Final = kind_of(Tree)
