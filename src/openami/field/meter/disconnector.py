"""The meter's contact: what it is asked, what it does, and what it reports of it."""

from __future__ import annotations

from openami.model.event import EventCode
from openami.protocols.dlms.cosem.disconnect_control import ControlMode, ControlState, Transition, next_state

_WANTED = {
    Transition.REMOTE_DISCONNECT: (ControlState.DISCONNECTED,),
    Transition.REMOTE_RECONNECT: (ControlState.CONNECTED,),
}
_EVENTS = {
    Transition.REMOTE_DISCONNECT: EventCode.DISCONNECTED_REMOTELY,
    Transition.REMOTE_RECONNECT: EventCode.RECONNECTED_REMOTELY,
    Transition.MANUAL_DISCONNECT: EventCode.DISCONNECTED_LOCALLY,
    Transition.MANUAL_RECONNECT: EventCode.RECONNECTED_LOCALLY,
    Transition.LOCAL_DISCONNECT: EventCode.DISCONNECTED_LOCALLY,
    Transition.LOCAL_RECONNECT: EventCode.RECONNECTED_LOCALLY,
}


class Disconnector:
    """Starts connected. Mode 0 knows no other state."""

    __slots__ = ("mode", "state")

    def __init__(self, mode: ControlMode) -> None:
        self.mode = mode
        self.state = ControlState.CONNECTED

    @property
    def connected(self) -> bool:
        """Whether the contact conducts."""
        return self.state is ControlState.CONNECTED

    def ask(self, transition: Transition) -> bool:
        """Do what is asked; true if it is done or was so already, false if the mode forbids it in this state."""
        state = next_state(self.mode, self.state, transition)
        if state is None:
            return self.state in _WANTED.get(transition, ())
        self.state = state
        return True

    def set_mode(self, mode: ControlMode) -> None:
        """Change the mode; mode 0 closes the contact, for it has no way to open or close it later."""
        self.mode = mode
        if mode is ControlMode.MODE_0:
            self.state = ControlState.CONNECTED


def event_of(transition: Transition) -> EventCode:
    """What the event log says of a transition that opened or closed the contact."""
    return _EVENTS[transition]
