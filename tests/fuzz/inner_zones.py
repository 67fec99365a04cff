"""What may be said to authority, guard and witness, and what they may answer; notes and shipments."""

from __future__ import annotations

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import seal_keys as keys
from fuzz_targets import fuzz_target
from meter_bench import seeded
from openami.backoffice.audit.note import Checkpoint, LogKey, read_checkpoint, sign_checkpoint
from openami.io.keystore.shipment import ShippedMeter, open_shipment, seal_shipment
from openami.model.errors import DecodeError, SecurityError
from openami.protocols.seal.passkey import Assertion
from openami.protocols.zones.asking import AskingConnection
from openami.protocols.zones.connection import Ended
from openami.protocols.zones.inner_message import (
    ActivatePlan,
    Agreed,
    AskFor,
    AskQuarantine,
    OrderIs,
    Orders,
    PlanIs,
    Plans,
    Proposed,
    Register,
    Release,
    Sign,
    Submit,
    Verdict,
    Verdicts,
    decode_authority_request,
    decode_guard_request,
    decode_inner_answer,
    decode_witness_request,
    encode_inner,
)
from openami.protocols.zones.log_message import AddCheckpoint, AskTail, Done, Head, Leaf, Tail
from openami.protocols.zones.operations_message import (
    AskIncidents,
    Deliver,
    IncidentIs,
    Incidents,
    LiveValue,
    LiveValues,
    MeterReport,
    ReadNow,
    decode_operations_answer,
    decode_operations_request,
)

ASSERTION = Assertion(b"id", b"data", b"{}", b"signature")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOTE = sign_checkpoint(Checkpoint("a/log", 7, bytes(32)), KEY)
GUARD = [
    encode_inner(one)
    for one in (
        Submit(b"r", [b"s"]),
        AskQuarantine(),
        Release(bytes(32), [ASSERTION]),
        Register("anna", "i", b"a", b"c"),
        ActivatePlan("winter", 7, [ASSERTION]),
        AskTail(9),
    )
]
ANSWERS = (
    Done(1.0),
    Head(NOTE, 7, [bytes(32)]),
    Verdicts([Verdict(b"d", b"r", b"e")]),
    Agreed(("anna",), 2),
    Tail(NOTE, 7, [Leaf(6, b"r", [bytes(32)])]),
    Orders([OrderIs(b"r", b"c", "anna", 1.0, "", b"", False, False)]),
    Plans(0, [PlanIs(b"p", 0.0, 0)], [Proposed(b"p", 7, ("anna",), 2)]),
)
FILE = seal_shipment(
    [ShippedMeter("1", b"12345678", *(sha256(bytes((n,))).digest()[:16] for n in range(3)))],
    keys.SIGNER,
    keys.GUARD_AGREEMENT.public_key,
    seeded(),
)


@fuzz_target("zones-authority", [encode_inner(AskFor(b"c", ASSERTION)), encode_inner(Sign(b"r", {b"t": b"c"}))])
def authority(data: bytes) -> None:
    """A request that can be read can be written."""
    encode_inner(decode_authority_request(data))


@fuzz_target("zones-guard", GUARD)
def guard(data: bytes) -> None:
    """A request that can be read can be written."""
    encode_inner(decode_guard_request(data))


@fuzz_target("zones-witness", [encode_inner(AddCheckpoint("a/log", 3, [bytes(32)], NOTE))])
def witness(data: bytes) -> None:
    """A request that can be read can be written."""
    encode_inner(decode_witness_request(data))


@fuzz_target(
    "zones-inner-answer",
    [encode_inner(one) for one in ANSWERS],
)
def inner_answer(data: bytes) -> None:
    """An answer that can be read can be written."""
    encode_inner(decode_inner_answer(data))


@fuzz_target("zones-operations", [encode_inner(one) for one in (ReadNow(7), Deliver(7, b"\xdd"), AskIncidents())])
def operations(data: bytes) -> None:
    """A request that can be read can be written."""
    encode_inner(decode_operations_request(data))


@fuzz_target(
    "zones-operations-answer",
    [
        encode_inner(one)
        for one in (
            LiveValues(1.0, [LiveValue("1-0:1.8.0*255", "energy", 7, 0, 30)], 1),
            MeterReport(1, "scheduled", 2, "connected"),
            Incidents(1, [IncidentIs("T1", "cover", 1.0, 2.0, 3, ["M1"], True)]),
        )
    ],
)
def operations_answer(data: bytes) -> None:
    """An answer that can be read can be written."""
    encode_inner(decode_operations_answer(data))


@fuzz_target("zones-asking", [len(one).to_bytes(4, "big") + one for one in GUARD])
def asking(data: bytes) -> None:
    """Whatever is sent, the side that answers goes on with events."""
    core = AskingConnection(asks=False, decode=decode_guard_request, encode=encode_inner)
    core.receive(data, 0.0)
    while (event := core.next_event()) is not None:
        if isinstance(event, Ended) and event.error is not None:
            raise event.error


@fuzz_target("audit-note", [NOTE.encode()], inputs=20_000)
def note(data: bytes) -> None:
    """Only what the log has signed is read."""
    try:
        text = data.decode()
        read_checkpoint(text, LogKey("a/log", KEY.public_key()))
    except (UnicodeDecodeError, SecurityError) as error:
        raise DecodeError(str(error), 0) from error


@fuzz_target("shipment", [FILE], inputs=5_000)
def shipment(data: bytes) -> None:
    """Only what the maker has signed is deciphered."""
    try:
        open_shipment(data, keys.SIGNER.public_key, keys.GUARD_AGREEMENT)
    except SecurityError as error:
        raise DecodeError(str(error), 0) from error
