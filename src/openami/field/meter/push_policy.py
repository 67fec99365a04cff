"""What a push setup of any version says of sending: how long between attempts, confirmed or not, signed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.data_protection import ProtectionParameters, ProtectionType
from openami.protocols.dlms.cosem.push_setup import PushOperationMethod, PushSetup, PushSetup1, PushSetup2
from openami.protocols.dlms.cosem.refusal import Refused

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

CONFIRMATION_S: Final = 30
"""How long a confirmation is waited for where only the push setup asks for one."""
PUSH_CLIENT: Final = 103
"""The client SAP that pushes are addressed to, unless the push setup says another."""
PORT: Final = ObisCode(0, 0, 25, 0, 0)
"""The port that pushes leave by; the meter has one."""
SEALED: Final = ProtectionType.AUTHENTICATION_AND_ENCRYPTION
SIGNED: Final = ProtectionType.DIGITAL_SIGNATURE


def repetition_s(setup: PushSetup, attempt: int) -> float:
    """Seconds before attempt `attempt + 1` (the first is 1).

    In version 2 they grow: the least of them times (exponent in percent) to the power of the repetitions that were
    before, and never above the greatest. (Our reading of the three numbers; the clause was not at hand.)
    """
    if not isinstance(setup, PushSetup2):
        return setup.repetition_delay
    delay = setup.repetition_delay
    grown = delay.repetition_delay_min * (delay.repetition_delay_exponent / 100) ** (attempt - 1)
    return min(grown, delay.repetition_delay_max)


def confirmation_s(meter: ElectricityMeter, setup: PushSetup) -> int:
    """How long the confirmation of a push is waited for; 0 if it is not to be confirmed."""
    if not isinstance(setup, PushSetup2):
        return meter.config.push_confirmation_s
    if setup.push_operation_method is not PushOperationMethod.CONFIRMED_RETRY_ON_MISSING_CONFIRMATION:
        return 0
    return meter.config.push_confirmation_s or CONFIRMATION_S


def client_of(setup: PushSetup) -> int:
    """The client SAP that a push goes to."""
    return setup.value_of(PushSetup1.push_client_sap, 0) if isinstance(setup, PushSetup1) else PUSH_CLIENT


def check_client(meter: ElectricityMeter, client_sap: int) -> None:
    """Pushes are sealed under the keys that clients share.

    Raises `Refused` for a client that has others, and for what is no client SAP.
    """
    if client_sap < 1 or client_sap in meter.config.roles:
        raise Refused(DataAccessResult.OTHER_REASON)


def check_port(port: ObisCode) -> None:
    """Raises `Refused` for any port but the one there is."""
    if port != PORT:
        raise Refused(DataAccessResult.OTHER_REASON)


def is_signed(setup: PushSetup) -> bool:
    """Whether a push is signed before it is sealed."""
    parameters = setup.value_of(PushSetup1.push_protection_parameters, 0) if isinstance(setup, PushSetup1) else ()
    return any(one.protection_type is SIGNED for one in parameters)


def check_protection(meter: ElectricityMeter, wanted: tuple[ProtectionParameters, ...]) -> None:
    """Our meters seal each push under their unicast keys; a client may have it signed before.

    Raises `Refused` for anything that is less, or in another order, or for a signature without a key.
    """
    pair = meter.security.shared.asymmetric()
    signs = pair is not None and pair.signing is not None
    allowed = ((), (SEALED,), *([(SIGNED, SEALED)] if signs else []))
    if tuple(one.protection_type for one in wanted) not in allowed:
        raise Refused(DataAccessResult.OTHER_REASON)
