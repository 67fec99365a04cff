"""The meter's disconnector as a COSEM object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openami.field.meter import codes
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.cosem.disconnect_control import DisconnectControl, Transition
from openami.protocols.dlms.cosem.refusal import ActionRefused

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


def disconnect_object(meter: ElectricityMeter) -> DisconnectControl:
    """Class Disconnect control at 0-0:96.3.10*255."""
    disconnector = meter.disconnector
    control = DisconnectControl(codes.DISCONNECT_CONTROL)
    control.bind(DisconnectControl.output_state, lambda _now: disconnector.connected)
    control.bind(DisconnectControl.control_state, lambda _now: disconnector.state)
    control.bind(
        DisconnectControl.control_mode, lambda _now: disconnector.mode, lambda mode, _: disconnector.set_mode(mode)
    )
    control.handle(
        DisconnectControl.remote_disconnect, lambda _, now: _switch(meter, Transition.REMOTE_DISCONNECT, now)
    )
    control.handle(DisconnectControl.remote_reconnect, lambda _, now: _switch(meter, Transition.REMOTE_RECONNECT, now))
    return control


def _switch(meter: ElectricityMeter, transition: Transition, now: float) -> None:
    if not meter.switch(transition, now):
        raise ActionRefused(ActionResult.OTHER_REASON)
