"""The two seals on one core: commands approved, signed, judged and sealed; envelopes and readings opened."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import seal_keys as keys
from benchmarks.cores import OURS, pinned, seconds_each
from benchmarks.table import Table, count
from openami.backoffice.guard.limits import Counts, Limits
from openami.io.disk import SystemDisk
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.counters import ReceiveWindow
from openami.protocols.dlms.data import array, double_long_unsigned, encode_data, octet_string, structure, unsigned
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import PushKeys, open_push
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, protect
from openami.protocols.seal.opening import open_command
from openami.protocols.seal.verbs import CriticalVerb
from two_seals import NAMES, Office, intent, network

LIST = 500
LISTS = 6
METERS = 1_000
FREE = Counts(10**9, 10**9, 10**9, 10**9)
WIDE = Limits(
    per_person=dict.fromkeys(CriticalVerb, FREE),
    total=dict.fromkeys(CriticalVerb, FREE),
    operator_w=10**12,
    feeder_permille=1000,
    transformer_permille=1000,
)


def run() -> Table:
    """A line for each direction."""
    with pinned(OURS):
        rows = [_commands(), _envelopes(), _readings()]
    return Table(
        "two_seals",
        "Two seals, one core",
        ("what", "a second, processor", "a second, wall clock"),
        rows,
        (
            f"Commands: lists of {LIST} under one approval, keys in memory as the file keystore leaves them, both",
            "hash-chained records synced to disk; the limits are set so wide that none is held back.",
            f"Readings: pushes of {METERS} meters with keys of their own, four quarter hours each; tag verified, body",
            "taken out. No peer does this: there is no ratio.",
        ),
    )


def _commands() -> tuple[str, ...]:
    with TemporaryDirectory() as folder:
        office = Office(SystemDisk(), network(100 + LIST * LISTS), WIDE, folder=Path(folder))
        start, cpu = time.perf_counter(), time.process_time()
        for turn in range(LISTS):
            by = NAMES[turn % 2], NAMES[2 + turn % 2]
            approved = office.approved(*(intent(100 + LIST * turn + number) for number in range(LIST)), by=by)
            verdicts = office.guard.submit(approved.record, approved.signed)
            assert all(hasattr(verdict, "octets") for verdict in verdicts), "one was held back"
        taken, used = time.perf_counter() - start, time.process_time() - cpu
        office.close()
    total = LIST * LISTS
    return "commands approved, signed, judged, sealed", count(total / used), count(total / taken)


def _envelopes() -> tuple[str, ...]:
    envelope = keys.envelope()
    each = seconds_each(lambda: open_command(envelope, keys.METER_SEAL, keys.MOMENT, keys.never))
    return "envelopes opened", count(1 / each), ""


def _readings() -> tuple[str, ...]:
    known = {_title(number): SecurityKeys(number.to_bytes(16, "big"), bytes(16)) for number in range(METERS)}
    pushes = [_push(title, secret) for title, secret in known.items()]
    each = seconds_each(lambda: _open(pushes, known))
    return "sealed readings opened", count(METERS / each), ""


def _open(pushes: list[bytes], known: dict[bytes, SecurityKeys]) -> None:
    for raw in pushes:
        open_push(raw, lambda title: PushKeys(known[title], ReceiveWindow()), accept_plain=False)


def _title(number: int) -> bytes:
    return b"OAM\x10" + number.to_bytes(4, "big")


def _push(title: bytes, secret: SecurityKeys) -> bytes:
    row = structure(
        octet_string(bytes(CosemDateTime.from_utc(keys.NOW))),
        unsigned(0),
        double_long_unsigned(123_456),
        double_long_unsigned(789),
    )
    notification = DataNotification(1, None, encode_data(array(row, row, row, row)))
    content = protect(secret, title, 1, SecurityControl.AUTHENTICATED_ENCRYPTION, encode_apdu(notification))
    return encode_apdu(GeneralGloCiphering(title, content))
