from __future__ import annotations

import pytest

from openami.protocols.dlms.cosem.disconnect_control import ControlMode, ControlState, Transition, next_state

OFF, ON, READY = ControlState.DISCONNECTED, ControlState.CONNECTED, ControlState.READY_FOR_RECONNECTION
EDGES = {
    "a": (Transition.REMOTE_RECONNECT, OFF, ON),
    "b": (Transition.REMOTE_DISCONNECT, ON, OFF),
    "c": (Transition.REMOTE_DISCONNECT, READY, OFF),
    "d": (Transition.REMOTE_RECONNECT, OFF, READY),
    "e": (Transition.MANUAL_RECONNECT, READY, ON),
    "f": (Transition.MANUAL_DISCONNECT, ON, READY),
    "g": (Transition.LOCAL_DISCONNECT, ON, READY),
    "h": (Transition.LOCAL_RECONNECT, READY, ON),
}
# disconnection: remote, manual, local; reconnection: remote, manual, local
TABLE = {
    ControlMode.MODE_0: "",
    ControlMode.MODE_1: "b c f g d e",
    ControlMode.MODE_2: "b c f g a e",
    ControlMode.MODE_3: "b c g d e",
    ControlMode.MODE_4: "b c g a e",
    ControlMode.MODE_5: "b c f g d e h",
    ControlMode.MODE_6: "b c g d e h",
}


@pytest.mark.parametrize("mode", list(ControlMode))
def test_each_mode_allows_its_transitions_and_no_others(mode: ControlMode) -> None:
    allowed = {EDGES[edge][:2]: EDGES[edge][2] for edge in TABLE[mode].split()}
    for transition in Transition:
        for state in ControlState:
            assert next_state(mode, state, transition) is allowed.get((transition, state))
