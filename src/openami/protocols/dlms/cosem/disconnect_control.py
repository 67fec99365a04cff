"""Interface class Disconnect control (class_id 70, version 0) and its state machine.

The transitions a to h and the modes 0 to 6 are those of the class's state diagram (from public implementations and
companion specifications; the book was not at hand).
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import BOOLEAN, INTEGER, enum_of


class ControlState(IntEnum):
    """control_state."""

    DISCONNECTED = 0
    CONNECTED = 1
    READY_FOR_RECONNECTION = 2


class ControlMode(IntEnum):
    """control_mode: which transitions are allowed. The numbers have no names in the standard."""

    MODE_0 = 0
    MODE_1 = 1
    MODE_2 = 2
    MODE_3 = 3
    MODE_4 = 4
    MODE_5 = 5
    MODE_6 = 6


class Transition(IntEnum):
    """Who asks for what: remotely, by hand at the meter, or by a function in the meter (limiter, prepayment)."""

    REMOTE_DISCONNECT = 1
    REMOTE_RECONNECT = 2
    MANUAL_RECONNECT = 3
    MANUAL_DISCONNECT = 4
    LOCAL_DISCONNECT = 5
    LOCAL_RECONNECT = 6


_EDGES: dict[str, tuple[Transition, ControlState, ControlState]] = {
    "a": (Transition.REMOTE_RECONNECT, ControlState.DISCONNECTED, ControlState.CONNECTED),
    "b": (Transition.REMOTE_DISCONNECT, ControlState.CONNECTED, ControlState.DISCONNECTED),
    "c": (Transition.REMOTE_DISCONNECT, ControlState.READY_FOR_RECONNECTION, ControlState.DISCONNECTED),
    "d": (Transition.REMOTE_RECONNECT, ControlState.DISCONNECTED, ControlState.READY_FOR_RECONNECTION),
    "e": (Transition.MANUAL_RECONNECT, ControlState.READY_FOR_RECONNECTION, ControlState.CONNECTED),
    "f": (Transition.MANUAL_DISCONNECT, ControlState.CONNECTED, ControlState.READY_FOR_RECONNECTION),
    "g": (Transition.LOCAL_DISCONNECT, ControlState.CONNECTED, ControlState.READY_FOR_RECONNECTION),
    "h": (Transition.LOCAL_RECONNECT, ControlState.READY_FOR_RECONNECTION, ControlState.CONNECTED),
}
_MODES = ("", "bcdefg", "abcefg", "bcdeg", "abceg", "bcdefgh", "bcdegh")


def next_state(mode: ControlMode, state: ControlState, transition: Transition) -> ControlState | None:
    """The state after `transition`, or `None` where the mode does not allow it from `state`."""
    for edge in _MODES[mode]:
        asked, start, end = _EDGES[edge]
        if asked is transition and start is state:
            return end
    return None


class DisconnectControl(InterfaceClass, class_id=70, version=0):
    """`output_state` is the contact's real position: true while it conducts."""

    __slots__ = ()

    output_state = Attribute(2, BOOLEAN)
    control_state = Attribute(3, enum_of(ControlState))
    control_mode = Attribute(4, enum_of(ControlMode), static=True)

    remote_disconnect = Method(1, INTEGER)
    remote_reconnect = Method(2, INTEGER)


class DisconnectControl1(DisconnectControl, class_id=70, version=1):
    """The members of version 0, as another stack counts them; what else version 1 changes was not at hand."""

    __slots__ = ()
