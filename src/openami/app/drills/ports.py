"""Whoever stands before the meter with an optical head, and whoever calls collectors awake."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.app.drills.conversation import KEYS, SECURED, Conversation, client
from openami.app.drills.drill import Removal, drill, ignored, stands
from openami.app.drills.world import START, Meter, octets_of
from openami.field.meter import codes, firmware, sealed_meter, security_setup
from openami.field.meter.access import PUBLIC, PUBLIC_RIGHTS, READING
from openami.field.meter.firmware import FirmwareImage
from openami.model.errors import OpenAmiError
from openami.protocols.dlms import server_association
from openami.protocols.dlms.acse import AARE, AARQ
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.cosem.access_rights import AccessRights
from openami.protocols.dlms.cosem.image_transfer import ImageTransferInitiate
from openami.protocols.dlms.cosem.refusal import ActionRefused
from openami.protocols.dlms.data import encode_data, integer
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.initiate import InitiateRequest
from openami.protocols.dlms.security import Secret, SecurityControl
from openami.protocols.zones import wake_up
from openami.protocols.zones.wake_up import WakeUp, WakeUpGuard, encode_wake_up

LOCAL = "local port"
COLLECTOR = "collector"


@dataclass(frozen=True)
class _As:
    """Somebody associated as the client `client_sap`."""

    client_sap: int


def _admitted(conversation: Conversation) -> bool:
    """Whether the meter's AARE says accepted."""
    answer = decode_apdu(conversation.sent["meter"][0])
    return isinstance(answer, AARE) and answer.result == 0


def _no_mechanism(*_arguments: object) -> bytes:
    return b""


@drill("A026", LOCAL, Removal(server_association, "_check_authentication", _no_mechanism))
def a_password_that_was_overheard() -> None:
    settings = client(authentication=Authentication.LLS, password=Secret(b"overheard"), protection=SecurityControl.NONE)
    conversation = Conversation(settings, AssociationSettings(Authentication.HLS5, keys=KEYS))
    conversation.associate()
    stands(not _admitted(conversation), "a client came in with a password")


def _as_it_came(raw: bytes, *_arguments: object) -> tuple[bytes, None]:
    return raw, None


@drill("A034", LOCAL, Removal(server_association, "_open", _as_it_came))
def a_dedicated_key_comes_in_the_clear() -> None:
    conversation = Conversation()
    conversation.tamper = lambda sender, apdu: [_in_the_clear(apdu)] if sender == "client" else [apdu]
    conversation.associate()
    stands(not _admitted(conversation), "a key that everybody could read was taken")


def _in_the_clear(aarq: bytes) -> bytes:
    """The same AARQ with a dedicated key in an InitiateRequest without protection."""
    asked = decode_apdu(aarq)
    if not isinstance(asked, AARQ):
        return aarq
    initiate = InitiateRequest(dedicated_key=bytes(16), proposed_conformance=Conformance.GET | Conformance.SET)
    return encode_apdu(replace(asked, user_information=encode_apdu(initiate)))


@drill("A027", LOCAL, Removal(server_association, "_check_authentication", _no_mechanism))
def low_security_is_asked_for_on_every_client() -> None:
    """Of a real meter: whatever client is named, a password opens nothing."""
    associations = Meter(0).device.server_settings().associations
    for sap, settings in associations.items():
        if sap == PUBLIC:
            continue
        asked = client(
            client_sap=SECURED,
            authentication=Authentication.LLS,
            password=Secret(b"00000000"),
            protection=SecurityControl.NONE,
            keys=None,
        )
        unprotected = AssociationSettings(settings.authentication, keys=KEYS)
        conversation = Conversation(asked, unprotected)
        conversation.associate()
        stands(not _admitted(conversation), f"client {sap} came in with a password")


@drill(
    "A028",
    LOCAL,
    Removal(AccessRights, "sees", lambda _self, _name: True),
    Removal(AccessRights, "may_read", lambda *_: True),
)
def the_public_client_reads_all_it_can() -> None:
    meter, shown = Meter(0), set()
    for item in meter.device.device:
        for number in item.ATTRIBUTES:
            descriptor = CosemAttributeDescriptor(item.class_id, item.logical_name, number)
            if isinstance(meter.device.get(_As(PUBLIC), descriptor, None, START), bytes):
                shown.add(item.logical_name)
    allowed = PUBLIC_RIGHTS.objects or frozenset()
    stands(shown <= allowed, f"the public client reads {len(shown - allowed)} objects more than it may")


@drill("A030", LOCAL, Removal(sealed_meter, "verb_of_action", ignored))
def the_reading_client_wants_to_switch() -> None:
    """The local port's reader has a client of its own; what is critical needs an envelope, whoever asks."""
    meter = Meter(0)
    for method in (1, 2):
        descriptor = CosemMethodDescriptor(70, codes.DISCONNECT_CONTROL, method)
        meter.action(descriptor, encode_data(integer(0)), START)
    stands(meter.connected, "the local port has switched a household off")


@drill("A035", LOCAL, Removal(security_setup, "check_stronger", ignored))
def the_security_policy_is_lowered() -> None:
    meter = Meter(0).device
    state = meter.security.of(READING)
    before = state.record.policy
    try:
        security_setup.strengthen(meter, state, 0, START)
    except OpenAmiError:
        pass
    except ActionRefused:
        pass
    stands(state.record.policy == before, f"the policy went from {before} to {state.record.policy}")


@drill("A036", LOCAL, Removal(firmware, "_verify", ignored))
def an_image_that_the_maker_has_not_signed() -> None:
    meter = Meter(0).device
    maker = Ed25519PrivateKey.from_private_bytes(octets_of("maker", 32))
    forger = Ed25519PrivateKey.from_private_bytes(octets_of("forger", 32))
    meter.config = replace(meter.config, firmware_key=maker.public_key().public_bytes_raw())
    running, memory = meter.firmware, meter.image
    raw = bytes(FirmwareImage(b"forged", b"payload").signed(forger.sign))
    memory.initiate(ImageTransferInitiate(b"forged", len(raw)))
    for number, start in enumerate(range(0, len(raw), memory.block_size)):
        memory.take(number, raw[start : start + memory.block_size])
    for step in (memory.verify, memory.activate):
        try:
            step(START)
        except ActionRefused:
            break
    meter.advance(START + 3600)
    stands(meter.firmware is running, "the meter runs an image that its maker has not signed")


_KEY = Ed25519PrivateKey.from_private_bytes(octets_of("back office", 32))
_FORGER = Ed25519PrivateKey.from_private_bytes(octets_of("forger", 32))


def _accepting(name: str, guard: WakeUpGuard, raw: bytes, now: float) -> bool:
    try:
        return guard.accept(raw, now).name == name
    except OpenAmiError:
        return False


def _believed(_self: WakeUpGuard, raw: bytes, _now: float) -> WakeUp:
    return wake_up.decode_wake_up(raw)


@drill("A045", COLLECTOR, Removal(WakeUpGuard, "accept", _believed))
def wake_ups_that_are_forged_old_or_replayed() -> None:
    genuine = encode_wake_up(WakeUp("c1", START, 60, 9), _KEY)
    guard = WakeUpGuard("c1", _KEY.public_key(), 0)
    stands(_accepting("c1", guard, genuine, START), "the genuine wake-up wakes nobody")
    forged = encode_wake_up(WakeUp("c1", START, 60, 10), _FORGER)
    stands(not _accepting("c1", guard, forged, START), "a forged wake-up opens a connection")
    stands(not _accepting("c1", guard, genuine, START + 3600), "an expired wake-up opens a connection")
    guard.accepted(9)
    stands(not _accepting("c1", guard, genuine, START + 1), "a replayed wake-up opens a connection")
