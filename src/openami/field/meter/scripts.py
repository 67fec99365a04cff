"""The meter's scripts: what schedules, the calendar, the limiter and monitors let it do. The tables are the maker's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.cosem.attribute import Method
from openami.protocols.dlms.cosem.disconnect_control import DisconnectControl, Transition
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.image_transfer import ImageTransfer
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.interval_push import PUSH_ON_INTERVAL
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.push_setup import PushSetup
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.cosem.register_activation import RegisterActivation
from openami.protocols.dlms.cosem.script_table import ActionItem, ActionSpecification, Script, ScriptTable, ServiceId
from openami.protocols.dlms.data import encode_data, integer, octet_string

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


def _invoke(method: Method, code: ObisCode) -> ActionSpecification:
    return ActionSpecification(ServiceId.EXECUTE_METHOD, method.class_id, code, method.method_id, integer(0))


def _activate(mask: bytes) -> ActionSpecification:
    target = RegisterActivation.active_mask
    where = target.class_id, codes.REGISTER_ACTIVATION, target.attribute_id
    return ActionSpecification(ServiceId.WRITE_ATTRIBUTE, *where, octet_string(mask))


MASK_TARIFF_1: Final = b"\x01"
MASK_TARIFF_2: Final = b"\x02"

SCRIPT_TABLES: Final[Mapping[ObisCode, tuple[Script, ...]]] = {
    codes.BILLING_SCRIPTS: (
        Script(
            1,
            (
                _invoke(ProfileGeneric.capture, codes.MONTHLY_BILLING),
                _invoke(ExtendedRegister.reset, codes.MAXIMUM_DEMAND),
            ),
        ),
    ),
    codes.TARIFF_SCRIPTS: (Script(1, (_activate(MASK_TARIFF_1),)), Script(2, (_activate(MASK_TARIFF_2),))),
    codes.DISCONNECT_SCRIPTS: (
        Script(1, (_invoke(DisconnectControl.remote_disconnect, codes.DISCONNECT_CONTROL),)),
        Script(2, (_invoke(DisconnectControl.remote_reconnect, codes.DISCONNECT_CONTROL),)),
    ),
    codes.IMAGE_SCRIPTS: (Script(1, (_invoke(ImageTransfer.image_activate, codes.IMAGE_TRANSFER),)),),
    codes.PUSH_SCRIPTS: (
        Script(1, (_invoke(PushSetup.push, codes.PUSH_ON_ALARM),)),
        Script(2, (_invoke(PushSetup.push, codes.PUSH_ON_POWER_DOWN),)),
        Script(3, (_invoke(PushSetup.push, PUSH_ON_INTERVAL),)),
    ),
}

_LOCAL: Final = {
    DisconnectControl.remote_disconnect.method_id: Transition.LOCAL_DISCONNECT,
    DisconnectControl.remote_reconnect.method_id: Transition.LOCAL_RECONNECT,
}


def run_script(meter: ElectricityMeter, item: ActionItem, now: float, *, local: bool = False) -> bool:
    """Do the actions of a script in their order; false if there is no such script or an action was refused.

    A refused action does not stop the ones after it. Selector 0 is the way to say that nothing is to be done.
    With `local` a function of the meter asks, not a person far away: the disconnector tells these apart.
    """
    if item.script_selector == 0:
        return True
    scripts = SCRIPT_TABLES.get(item.script_logical_name, ())
    script = next((one for one in scripts if one.script_identifier == item.script_selector), None)
    if script is None:
        return False
    done = [_do(meter, action, now, local=local) for action in script.actions]
    return all(done)


def _do(meter: ElectricityMeter, action: ActionSpecification, now: float, *, local: bool) -> bool:
    if local and action.class_id == DisconnectControl.class_id:
        return meter.switch(_LOCAL[action.index], now)
    try:
        target = meter.device.object(InterfaceClass, action.logical_name)
        raw = encode_data(action.parameter)
        if action.service_id is ServiceId.WRITE_ATTRIBUTE:
            target.write(action.index, raw, now)
        else:
            target.invoke(action.index, raw, now)
    except (KeyError, Refused, ActionRefused):
        return False
    return True


def script_table_object(code: ObisCode, meter: ElectricityMeter) -> ScriptTable:
    """One of the script tables."""
    table = ScriptTable(code, scripts=SCRIPT_TABLES[code])
    table.handle(ScriptTable.execute, lambda number, now: _execute(meter, ActionItem(code, number), now))
    return table


def _execute(meter: ElectricityMeter, item: ActionItem, now: float) -> None:
    if item.script_selector == 0 or not run_script(meter, item, now):
        raise ActionRefused(ActionResult.OTHER_REASON)
