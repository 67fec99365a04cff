"""What the methods of SecuritySetup do on the meter. All or nothing, and durable before the answer leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from openami.field.meter.security_role import policy_of
from openami.field.meter.security_state import SecurityState
from openami.model.errors import DecodeError, SecurityError, SettingError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.asymmetric import EXTRA, decode_point, encode_point, parameters_of, private_key
from openami.protocols.dlms.cosem.refusal import ActionRefused
from openami.protocols.dlms.cosem.security_setup import KeyAgreementData, KeyData, KeyId
from openami.protocols.dlms.key_agreement import ephemeral_key, shared_secret, signed_point, unwrap_key
from openami.protocols.dlms.key_exchange import signed_by_peer, with_key
from openami.protocols.dlms.security import SecurityKeys

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

KEYS_MAX: Final = len(KeyId)


def strengthen(meter: ElectricityMeter, state: SecurityState, policy: int, now: float) -> None:
    """Activate a policy that asks for all that the present one asks for; no other is taken."""
    check_stronger(state.record.policy, policy)
    try:
        wanted, pair = policy_of(state.suite, policy), state.asymmetric()
    except SettingError:
        raise ActionRefused(ActionResult.OTHER_REASON) from None
    if wanted.signed and (pair is None or pair.signing is None or pair.peer_signing is None):
        raise ActionRefused(ActionResult.OTHER_REASON)
    state.change(replace(state.record, policy=policy))
    meter.log(EventCode.SECURITY_POLICY_CHANGED, now)


def check_stronger(present: int, wanted: int) -> None:
    """Raise `ActionRefused` unless `wanted` asks for all that `present` asks for."""
    if present & wanted != present:
        raise ActionRefused(ActionResult.OTHER_REASON)


def transfer(meter: ElectricityMeter, state: SecurityState, data: Sequence[KeyData], now: float) -> None:
    """Take new keys that were wrapped under the master key."""
    keys = _keys_of_asker(meter, state)
    _check_each_once([one.key_id for one in data])
    try:
        new = keys
        for one in data:
            new = with_key(new, one.key_id, unwrap_key(_master_key(keys), one.key_wrapped))
    except (SecurityError, SettingError):
        meter.log(EventCode.KEY_EXCHANGE_FAILED, now)
        raise ActionRefused(ActionResult.OTHER_REASON) from None
    _take(meter, state, new, now)


def agree(
    meter: ElectricityMeter, state: SecurityState, data: Sequence[KeyAgreementData], now: float
) -> tuple[KeyAgreementData, ...]:
    """Agree on new keys by ephemeral keys of both sides, each signed, C(2e, 0s)."""
    keys, asker = _keys_of_asker(meter, state), meter.asking
    pair, random = state.asymmetric(), meter.key_random
    _check_each_once([one.key_id for one in data])
    if pair is None or pair.signing is None or random is None or asker is None or asker.client_system_title is None:
        raise ActionRefused(ActionResult.OTHER_REASON)
    titles, answers = (asker.client_system_title, meter.config.system_title), []
    try:
        for one in data:
            theirs = decode_point(signed_by_peer(pair, one), state.suite)
            ours = private_key(random(parameters_of(state.suite).size + EXTRA), state.suite)
            point, z = encode_point(ours.public_key()), shared_secret(ours, theirs)
            wrapping = one.key_id is KeyId.MASTER_KEY
            keys = with_key(keys, one.key_id, ephemeral_key(state.suite, z, *titles, wrapping=wrapping))
            answers.append(KeyAgreementData(one.key_id, point + pair.sign(signed_point(one.key_id, point))))
    except (SecurityError, DecodeError):
        meter.log(EventCode.KEY_EXCHANGE_FAILED, now)
        raise ActionRefused(ActionResult.OTHER_REASON) from None
    _take(meter, state, keys, now)
    return tuple(answers)


def _take(meter: ElectricityMeter, state: SecurityState, new: SecurityKeys, now: float) -> None:
    used = _keys_of_asker(meter, state)
    if new != used:
        state.change(replace(state.record, keys=new, former=used))
    meter.log(EventCode.KEYS_CHANGED, now)


def _keys_of_asker(meter: ElectricityMeter, state: SecurityState) -> SecurityKeys:
    """The keys that the client that asks is known to have: a change begins with them, not with lost ones."""
    asker = meter.asking
    keys = None if asker is None else asker.settings.keys
    return keys if keys is not None and keys in (state.record.keys, state.record.former) else state.used


def _check_each_once(key_ids: Sequence[KeyId]) -> None:
    if not 0 < len(key_ids) <= KEYS_MAX or len(set(key_ids)) != len(key_ids):
        raise ActionRefused(ActionResult.OTHER_REASON)


def _master_key(keys: SecurityKeys) -> bytes:
    if keys.master_key is None:
        raise SettingError("master_key is not set: no key can be transferred")
    return keys.master_key
