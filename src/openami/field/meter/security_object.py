"""The meter's SecuritySetup objects: version 0 with suite 0, version 1 with suites 1 and 2."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from openami.field.meter.certificate_store import (
    certificate_infos,
    export_certificate,
    generate_certificate_request,
    generate_key_pair,
    import_certificate,
    remove_certificate,
)
from openami.field.meter.security_setup import agree, strengthen, transfer
from openami.field.meter.security_state import SecurityState
from openami.protocols.dlms.cosem.attribute import Source
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.security_setup import SecurityPolicy, SecuritySetup, SecuritySetup1
from openami.protocols.dlms.security import SecuritySuite

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


def security_object(state: SecurityState, meter: ElectricityMeter) -> InterfaceClass:
    """Class SecuritySetup of one role."""
    given: dict[str, Any] = {
        "security_suite": int(state.suite),
        "client_system_title": state.role.client_system_title or b"",
        "server_system_title": meter.config.system_title,
    }
    if state.suite is SecuritySuite.SUITE_0:
        setup = SecuritySetup(state.name, security_policy=SecurityPolicy(state.record.policy), **given)
        setup.handle(SecuritySetup.security_activate, partial(strengthen, meter, state))
        setup.handle(SecuritySetup.global_key_transfer, partial(transfer, meter, state))
        return setup
    infos = Source(lambda _now: certificate_infos(meter, state))
    made = SecuritySetup1(state.name, security_policy=state.record.policy, certificates=infos, **given)
    made.handle(SecuritySetup1.security_activate, partial(strengthen, meter, state))
    made.handle(SecuritySetup1.key_transfer, partial(transfer, meter, state))
    made.handle(SecuritySetup1.key_agreement, partial(agree, meter, state))
    made.handle(SecuritySetup1.generate_key_pair, lambda kind, _now: generate_key_pair(meter, state, kind))
    made.handle(
        SecuritySetup1.generate_certificate_request, lambda kind, _now: generate_certificate_request(meter, state, kind)
    )
    made.handle(SecuritySetup1.import_certificate, partial(import_certificate, meter, state))
    made.handle(SecuritySetup1.export_certificate, lambda wanted, _now: export_certificate(meter, state, wanted))
    made.handle(SecuritySetup1.remove_certificate, lambda wanted, _now: remove_certificate(meter, state, wanted))
    return made
