"""The meter's key pairs and certificates: pairs made, requests for certificates, certificates kept by entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from openami.field.meter.security_record import SecurityRecord, scalar_of
from openami.field.meter.security_role import policy_of
from openami.field.meter.security_state import SecurityState
from openami.model.errors import DecodeError, SecurityError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.asymmetric import EXTRA, parameters_of, private_key
from openami.protocols.dlms.certificate import (
    DeviceCertificate,
    certificate_request,
    check_issued,
    read_certificate,
)
from openami.protocols.dlms.cosem.refusal import ActionRefused
from openami.protocols.dlms.cosem.security_setup import (
    CertificateEntity,
    CertificateIdentification,
    CertificateInfo,
    CertificateType,
)
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.security import SecuritySuite

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

CERTIFICATES_MAX: Final = 16
_PAIRS: Final = (CertificateType.DIGITAL_SIGNATURE, CertificateType.KEY_AGREEMENT, CertificateType.TLS)
_BY_ENTITY, _BY_SERIAL_NUMBER = 0, 1


def generate_key_pair(meter: ElectricityMeter, state: SecurityState, kind: CertificateType) -> None:
    """Make a pair, which is used once its certificate was imported; until then the present one stays."""
    if kind not in _PAIRS or state.suite is SecuritySuite.SUITE_0 or meter.key_random is None:
        raise ActionRefused(ActionResult.OTHER_REASON)
    pair = private_key(meter.key_random(parameters_of(state.suite).size + EXTRA), state.suite)
    state.change(replace(state.record, pending={**state.record.pending, int(kind): scalar_of(pair)}))


def generate_certificate_request(meter: ElectricityMeter, state: SecurityState, kind: CertificateType) -> bytes:
    """The request (PKCS#10, DER) for the pair that waits for its certificate, or for the one in use."""
    pair = state.pending_key(kind) or state.private_key(kind)
    if pair is None:
        raise ActionRefused(ActionResult.OTHER_REASON)
    return certificate_request(pair, state.suite, meter.config.system_title)


def import_certificate(meter: ElectricityMeter, state: SecurityState, der: bytes, now: float) -> None:
    """Keep a certificate that a trusted authority issued, in the place of the same entity's older one."""
    held = state.certificates()
    try:
        new = read_certificate(der)
        check_issued(new, held, state.suite, meter.clock.reading(now))
        record = state.record
        if _entity(meter, new) is CertificateEntity.SERVER:
            record = _with_own_pair(state, new)
    except (DecodeError, SecurityError):
        meter.log(EventCode.KEY_EXCHANGE_FAILED, now)
        raise ActionRefused(ActionResult.OTHER_REASON) from None
    others = [one.der for one in held if _place(meter, one) != _place(meter, new) or one.authority]
    if len(others) >= CERTIFICATES_MAX:
        raise ActionRefused(ActionResult.OTHER_REASON)
    state.change(replace(record, certificates=(*(other for other in others if other != der), der)))
    meter.log(EventCode.KEYS_CHANGED, now)


def export_certificate(meter: ElectricityMeter, state: SecurityState, wanted: CertificateIdentification) -> bytes:
    """The certificate (DER) that is meant."""
    return _find(meter, state, wanted).der


def remove_certificate(meter: ElectricityMeter, state: SecurityState, wanted: CertificateIdentification) -> None:
    """Forget a certificate, unless the policy needs it or no authority would be left that could bring another."""
    found = _find(meter, state, wanted)
    others = tuple(one for one in state.certificates() if one.der != found.der)
    if found.authority and not any(one.authority for one in others):
        raise ActionRefused(ActionResult.OTHER_REASON)
    signs = found.type is CertificateType.DIGITAL_SIGNATURE and not found.authority
    if signs and policy_of(state.suite, state.record.policy).signed:
        raise ActionRefused(ActionResult.OTHER_REASON)
    state.change(replace(state.record, certificates=tuple(one.der for one in others)))


def certificate_infos(meter: ElectricityMeter, state: SecurityState) -> tuple[CertificateInfo, ...]:
    """The certificates as the attribute lists them."""
    return tuple(
        CertificateInfo(_entity(meter, one), one.type, one.serial_number, one.issuer, one.subject, one.subject_alt_name)
        for one in state.certificates()
    )


def _entity(meter: ElectricityMeter, certificate: DeviceCertificate) -> CertificateEntity:
    if certificate.authority:
        return CertificateEntity.CERTIFICATION_AUTHORITY
    if certificate.system_title == meter.config.system_title:
        return CertificateEntity.SERVER
    return CertificateEntity.CLIENT if certificate.system_title else CertificateEntity.OTHER


def _place(meter: ElectricityMeter, one: DeviceCertificate) -> tuple[int, int, bytes]:
    return _entity(meter, one), one.type, one.system_title


def _with_own_pair(state: SecurityState, new: DeviceCertificate) -> SecurityRecord:
    """The pair that `new` certifies in use; raises `SecurityError` if it is none of ours."""
    record, kind = state.record, new.type
    waiting, used = state.pending_key(kind), state.private_key(kind)
    if waiting is not None and waiting.public_key() == new.public_key:
        pending = {one: scalar for one, scalar in record.pending.items() if one != kind}
        return replace(record, pending=pending, private_keys={**record.private_keys, int(kind): scalar_of(waiting)})
    if used is None or used.public_key() != new.public_key:
        raise SecurityError("the certificate is of a key that this meter did not make")
    return record


def _find(meter: ElectricityMeter, state: SecurityState, wanted: CertificateIdentification) -> DeviceCertificate:
    options = wanted.certification_identification_options
    parts: Sequence[Data] = options.value if options.type is DataType.STRUCTURE else ()
    values = tuple(part.value for part in parts)
    for one in state.certificates():
        identity = {_BY_ENTITY: _place(meter, one), _BY_SERIAL_NUMBER: (one.serial_number, one.issuer)}
        if identity.get(wanted.certificate_identification_type) == values:
            return one
    raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
