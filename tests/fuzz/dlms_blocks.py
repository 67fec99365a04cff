"""Blocks into both sides of general block transfer, and byte streams into a live association that speaks it."""

from __future__ import annotations

import random

from dlms_pair import ENERGY, NOTE, PROFILE, PUBLIC, SERVER_TITLE, Store, note, server_settings
from fuzz_targets import fuzz_target
from openami.model.errors import DecodeError, RemoteProtocolError
from openami.protocols.dlms.acse import AARQ, ApplicationContextName
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.block_transfer import BlockTransfer
from openami.protocols.dlms.conformance import SERVER_CONFORMANCE, SHORT_NAME_CONFORMANCE
from openami.protocols.dlms.counters import MemoryCounters, ReceiveWindow
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.general_block_transfer import GeneralBlockTransfer
from openami.protocols.dlms.get import GetRequestNormal
from openami.protocols.dlms.initiate import InitiateRequest
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import PushKeys, PushReceiver
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerState
from openami.protocols.dlms.set import SetRequestNormal
from openami.protocols.dlms.short_name import (
    DataBlock,
    ReadRequest,
    VariableName,
    WriteDataBlockAccess,
    WriteRequest,
)
from openami.protocols.dlms.short_names import NamedObject, ShortNames
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper

LIMIT = 1000
NAMES = ShortNames([NamedObject(0x1000, 3, 0, ENERGY.instance_id), NamedObject(0x1200, 1, 0, NOTE.instance_id)])
BLOCKS = [
    GeneralBlockTransfer(0x46, 1, 0, b"\xc1\x01\xc1"),
    GeneralBlockTransfer(0x06, 2, 0, bytes(40)),
    GeneralBlockTransfer(0x86, 3, 2, bytes(20)),
    GeneralBlockTransfer(0x86, 1, 0, b""),
]
GET = encode_apdu(GetRequestNormal(0xC1, PROFILE, None))
SET = encode_apdu(SetRequestNormal(0xC1, NOTE, None, note(bytes(80))))
SERVED = {"value_bytes_max": LIMIT, "short_names": {1: NAMES}}


def wrapped(*apdus: bytes) -> bytes:
    return b"".join(encode_wrapper(apdu, PUBLIC, 1) for apdu in apdus)


def associating(context: ApplicationContextName, conformance: int) -> bytes:
    initiate = InitiateRequest(proposed_conformance=conformance, client_max_receive_pdu_size=100)
    return encode_wrapper(encode_apdu(AARQ(context, user_information=encode_apdu(initiate))), PUBLIC, 1)


LOGICAL = associating(ApplicationContextName.LOGICAL_NAME_REFERENCING_NO_CIPHERING, SERVER_CONFORMANCE)
SHORT = associating(ApplicationContextName.SHORT_NAME_REFERENCING_NO_CIPHERING, SHORT_NAME_CONFORMANCE)
ACKNOWLEDGED = [encode_apdu(GeneralBlockTransfer(0x83, number, number, b"")) for number in (1, 2, 3)]
IN_BLOCKS = [
    encode_apdu(GeneralBlockTransfer(0x43, 1, 0, SET[:50])),
    encode_apdu(GeneralBlockTransfer(0x83, 2, 0, SET[50:])),
]
WRITTEN = encode_apdu(WriteRequest((VariableName(0x1208),), (note(bytes(60)),)))[1:]
NAMED = [
    encode_apdu(WriteRequest((WriteDataBlockAccess(False, 1),), (note(WRITTEN[:40]),))),
    encode_apdu(WriteRequest((WriteDataBlockAccess(True, 2),), (note(WRITTEN[40:]),))),
    encode_apdu(ReadRequest((DataBlock(True, 1, b"\x01\x02\x10\x08"),))),
]


@fuzz_target("dlms-block-transfer", [b"".join(bytes((len(e := encode_apdu(b)),)) + e for b in BLOCKS)], inputs=30_000)
def transfer(data: bytes) -> None:
    """Any series of blocks, each behind its length: what is held is bounded, and every turn is within the window."""
    sides = [BlockTransfer(64, window=6, limit=LIMIT, serving=serving, protected=False) for serving in (False, True)]
    for side in sides:
        side.send(bytes(300))
    at = 0
    while at < len(data):
        raw, at = data[at + 1 : at + 1 + data[at]], at + 1 + data[at]
        block = decode_apdu(raw)
        if not isinstance(block, GeneralBlockTransfer):
            raise DecodeError("no block", at)
        for side in sides:
            try:
                side.take(block)
            except RemoteProtocolError:
                continue
            assert side.gathered <= LIMIT
            if side.turn_due(block):
                assert len(side.turn()) <= 63


def live(associate: bytes) -> ServerConnection:
    framing = WrapperFraming(Role.SERVER, PUBLIC, 1)
    state = ServerState(SERVER_TITLE, MemoryCounters())
    server = ServerConnection(framing, server_settings(Store(), **SERVED), state, random=random.Random(1).randbytes)
    server.receive(associate, 0.0)
    server.data_to_send(0.0)
    assert server.associations
    return server


def stream(associate: bytes, data: bytes) -> None:
    """Whatever bytes come: no exception, a bounded answer, and the next client is served."""
    server = live(associate)
    server.receive(data, 0.0)
    events = list(iter(server.next_event, None))
    assert len(events) <= len(data) + 2
    sent = 0
    while more := server.data_to_send(0.0):
        sent += len(more)
    assert sent <= 100 * (len(data) + 1)


@fuzz_target("dlms-live-server", [wrapped(GET, *ACKNOWLEDGED), wrapped(*IN_BLOCKS), wrapped(SET)], inputs=8_000)
def logical(data: bytes) -> None:
    stream(LOGICAL, data)


@fuzz_target("dlms-live-server-short-names", [wrapped(*NAMED)], inputs=5_000)
def short(data: bytes) -> None:
    stream(SHORT, data)


PUSH = encode_apdu(DataNotification(1 << 30, None, note(bytes(30))))
PUSHED = [
    PUSH,
    encode_apdu(GeneralBlockTransfer(0x40, 1, 0, PUSH[:20])) + b"",
    encode_apdu(GeneralBlockTransfer(0x80, 2, 0, PUSH[20:])),
]


@fuzz_target("dlms-push-listener", [wrapped(*PUSHED), wrapped(PUSH, PUSH)], inputs=20_000)
def listener(data: bytes) -> None:
    """A listener that takes plain pushes, in blocks too, and confirms them."""
    framing = WrapperFraming(Role.CLIENT, PUBLIC, 1)
    receiver = PushReceiver(framing, lambda _title: PushKeys(None, ReceiveWindow()), accept_plain=True, apdu_max=LIMIT)
    receiver.receive(data, 0.0)
    list(iter(receiver.next_event, None))
    while receiver.data_to_send(0.0):
        pass
