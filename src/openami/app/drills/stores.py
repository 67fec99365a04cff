"""Whoever can read or write what lies on a disk or in a memory: rows of a log, a key file, all that a postman holds."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Final

from openami.app.drills.drill import Removal, drill, ignored, stands
from openami.app.drills.inner_zone import push_keys, pushes_of, pushing_meter
from openami.app.drills.world import START, octets_of, title_of
from openami.backoffice.audit import merkle
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.log import Inclusion, MerkleLog
from openami.field.collector.lanes import Lanes
from openami.field.collector.settings import CollectorSettings
from openami.field.meter.push_queue import random_of
from openami.headend.headend import Headend
from openami.headend.settings import HeadendSettings
from openami.io.blocking import inline
from openami.io.clock import SystemClock
from openami.io.keystore import file_keystore
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.links.memory import memory_pair
from openami.io.links.neighbourhood import Heard
from openami.io.spool.file_spool import FileSpool
from openami.model.errors import SecurityError, StoreError
from openami.protocols.dlms.counters import ReceiveWindow
from openami.protocols.dlms.push_receiver import PushKeys, open_push
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.simulation.disk import FaultDisk

OPERATOR = "insider operator"
ROWS: Final = 9


def _log(rewritten: int | None = None) -> MerkleLog:
    log = MerkleLog(FileSpool(Path("/log"), disk=FaultDisk(), random=random_of(b"log")), "openami.localhost/log")
    audit = Audit(log, lambda: float(START))
    for row in range(ROWS):
        audit.enter(Kind.COMMAND, "nobody" if row == rewritten else "anna", f"meter {row}", "disconnect")
    return log


def _holds(root: bytes, shown: Inclusion) -> bool:
    try:
        merkle.verify_inclusion(merkle.leaf_hash(shown.record), shown.leaf, shown.size, root, shown.proof)
    except SecurityError:
        return False
    return True


@drill("A094", OPERATOR, Removal(merkle, "verify_inclusion", ignored))
def rows_of_the_audit_log_are_edited() -> None:
    """Whoever holds the head finds the row that was changed, also if it is shown with the proof of the genuine one."""
    genuine = _log()
    root = genuine.tree.root()
    stands(all(_holds(root, genuine.inclusion(row)) for row in range(ROWS)), "a genuine row does not lead to the head")
    for row in range(ROWS):
        edited = _log(row).inclusion(row)
        stands(not _holds(root, edited), f"row {row} was rewritten and is taken for genuine")
        borrowed = genuine.inclusion(row)._replace(record=edited.record)
        stands(not _holds(root, borrowed), f"row {row} was rewritten and is taken for genuine with an old proof")


class _InTheClear:
    """In place of the keystore's cipher."""

    def encrypt(self, _nonce: bytes, plain: bytes, _head: bytes) -> bytes:
        return plain

    def decrypt(self, _nonce: bytes, sealed: bytes, _head: bytes) -> bytes:
        return sealed


def _keystore(disk: FaultDisk, passphrase: str) -> FileKeystore:
    return FileKeystore(Path("keys"), passphrase, disk=disk, random=random_of(b"keystore"), scrypt_log2_n=4)


@drill("A096", OPERATOR, Removal(file_keystore, "_cipher", lambda _head, _passphrase: _InTheClear()))
def the_key_file_is_copied() -> None:
    """The copy tells no key, and without the passphrase it is worth nothing."""
    disk, keys = FaultDisk(), MeterKeys(octets_of("copied", 16), octets_of("copied too", 16))
    _keystore(disk, "of the one who starts it").put(title_of(0), keys)
    copy = disk.after_power_cut()
    raw = copy.read(Path("keys"))
    stands(keys.global_unicast_encryption_key not in raw, "a key stands in the file as it is")
    for guess in ("passphrase", "of the one who starts i", "of the one who starts it "):
        try:
            opened = _keystore(copy, guess).system_titles()
        except StoreError:
            continue
        stands(not opened, f"the copy was opened with {guess!r}")


# All that a postman holds


def _held(*roots: object) -> list[bytes]:
    """Every text and every row of bytes that can be reached from these objects."""
    found, seen, waiting = list[bytes](), set[int](), list[object](roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            found.append(one.encode(errors="replace"))
        elif isinstance(one, bytes | bytearray | memoryview):
            found.append(bytes(one))
        elif isinstance(one, FunctionType):
            waiting += [one.__closure__, one.__defaults__, one.__kwdefaults__]
        else:
            waiting += gc.get_referents(one)
    return found


def _hour() -> tuple[list[bytes], list[bytes]]:
    """What a meter pushes in an hour, and what must not be found of it: its keys, and what it says."""
    meter = pushing_meter()
    meter.advance(START + 3601.0)
    pushed, keys = list(pushes_of(meter)), push_keys(0)
    known = PushKeys(keys, ReceiveWindow())
    said = [open_push(apdu, {title_of(0): known}.get, accept_plain=True).plain[-40:] for apdu in pushed]
    return pushed, [keys.global_unicast_encryption_key, keys.authentication_key, *said]


def _spool(disk: FaultDisk, name: str) -> FileSpool:
    return FileSpool(Path(name), disk=disk, random=random_of(name.encode()))


def _search(held: list[bytes], pushed: list[bytes], secrets: list[bytes], who: str) -> None:
    stands(any(pushed[-1] in one for one in held), f"the {who} holds nothing: the search proves nothing")
    stands(not any(secret in one for secret in secrets for one in held), f"the {who} holds a key or a reading")


def _in_the_clear(_channel: SecureChannel, apdu: bytes, *_arguments: object) -> bytes:
    return apdu


@drill("A056", "HES DMZ host", Removal(SecureChannel, "seal", _in_the_clear))
def all_that_the_head_end_holds_is_searched() -> None:
    """Its objects and its disk, after pushes went through it."""
    disk, (pushed, secrets) = FaultDisk(), _hour()
    headend = Headend(HeadendSettings(), SystemClock(), _spool(disk, "spool"))

    async def take() -> list[bytes]:
        for apdu in pushed:
            near, far = memory_pair()
            task = asyncio.get_running_loop().create_task(headend.take_pushes(far))
            await near.send(apdu)
            await near.close()
            await task
        return _held(headend, disk)

    _search(asyncio.run(take()), pushed, secrets, "head-end")


@drill("A039", "collector", Removal(SecureChannel, "seal", _in_the_clear))
def all_that_a_collector_holds_is_searched() -> None:
    """Its lanes and its disk, while pushes wait for the head-end."""
    disk, (pushed, secrets) = FaultDisk(), _hour()

    async def take() -> list[bytes]:
        lanes = Lanes(_spool(disk, "alarms"), _spool(disk, "bulk"), SystemClock(), inline, CollectorSettings())
        for apdu in pushed:
            await lanes.take(Heard("m1", apdu))
        held = _held(lanes, disk)
        await lanes.close()
        return held

    _search(asyncio.run(take()), pushed, secrets, "collector")
