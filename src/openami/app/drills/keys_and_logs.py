"""Floods and silence, split histories, keys that can be guessed or shared, and a roll-over that is cut short."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.app.drills.drill import Fallen, Removal, drill, ignored, stands
from openami.app.drills.world import START, key_of, octets_of, title_of
from openami.backoffice.audit import witness as witnesses
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.audit.note import LogKey
from openami.backoffice.audit.witness import Witness
from openami.backoffice.operations.alert_pipeline import Alert, AlertPipeline, Place, Trust
from openami.backoffice.operations.key_roll_over import RollOver
from openami.field.meter.push_queue import random_of
from openami.io.keystore import deny_list, shipment
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import make_request
from openami.io.keystore.deny_list import DenyList
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.keystore.shipment import ShippedMeter, open_shipment, seal_shipment
from openami.io.keystore.wrapped_keystore import SoftwareWrapping, WrappedKeystore
from openami.io.spool.file_spool import FileSpool
from openami.model.errors import LinkLost, OpenAmiError
from openami.protocols.seal.keys import SoftwareAgreement, SoftwareSigner
from openami.simulation.disk import FaultDisk, PowerCut

HEAD_END = "HES DMZ host"
HEARTBEAT_S = 3600.0
ORIGIN = "openami.localhost/operations"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(octets_of("log", 32))
NOW = datetime.fromtimestamp(START, UTC)


def _pipeline() -> AlertPipeline:
    return AlertPipeline({f"m{n}": Place(f"T{n // 10}", f"c{n // 50}") for n in range(100)}, HEARTBEAT_S)


@drill(
    "A006",
    "rogue meter",
    Removal(AlertPipeline, "_within_bucket", lambda _self, _alert: True),
    Removal(AlertPipeline, "_within_budget", lambda _self, _at: True),
)
def one_meter_floods_with_alerts() -> None:
    line, pages = _pipeline(), 0
    for step in range(10_000):
        pages += line.alert(Alert("m1", f"code {step}", START + step * 0.006)) is not None
    stands(pages <= 10, f"{pages} pages for one meter in a minute")
    stands(sum(one.alerts for one in line.incidents.values()) == 10_000, "alerts were dropped without a count")


def _believed(self: AlertPipeline, alert: Alert) -> object:
    return self._put(self._cause(alert), alert.code, alert.meter, alert.at)


@drill("A061", HEAD_END, Removal(AlertPipeline, "alert", _believed))
def the_head_end_invents_alerts() -> None:
    line, pages = _pipeline(), 0
    for step in range(100_000):
        alert = Alert(f"m{step % 100}", "tamper", START + step * 0.0006, Trust.HEADEND)
        pages += line.alert(alert) is not None
    stands(pages <= 1, f"{pages} pages for what the head-end says of itself")


@drill("A062", HEAD_END, Removal(AlertPipeline, "check", lambda _self, _now: []))
def the_head_end_drops_all_alerts() -> None:
    line = _pipeline()
    for number in range(100):
        line.heard(f"m{number}", 1, START)
    pages = line.check(START + 2 * HEARTBEAT_S + 1)
    stands(pages, "nobody was called, two heartbeats after all meters fell silent")
    stands(len(pages) <= 2, f"{len(pages)} pages for two carriers that are silent")


def _log(entries: int, last: str = "genuine") -> MerkleLog:
    log = MerkleLog(FileSpool(Path("/log"), disk=FaultDisk(), random=random_of(b"log")), ORIGIN)
    audit = Audit(log, lambda: float(START))
    for number in range(entries):
        audit.enter(Kind.COMMAND, "anna", f"meter {number}", last)
    return log


@drill("A067", HEAD_END, Removal(witnesses, "verify_consistency", ignored))
def a_log_shows_another_history() -> None:
    disk = FaultDisk()
    disk.make_folder(Path("/witness"))
    known = {ORIGIN: LogKey(ORIGIN, LOG_KEY.public_key())}
    witness = Witness("witness", LOG_KEY, known, Path("/witness/heads"), disk=disk, clock=lambda: float(START))
    witness.add_checkpoint(ORIGIN, 0, [], _log(5).checkpoint(LOG_KEY))
    other = _log(6, "rewritten")
    try:
        witness.add_checkpoint(ORIGIN, 5, other.tree.consistency(5), other.checkpoint(LOG_KEY))
    except OpenAmiError:
        return
    raise Fallen("the witness has cosigned two histories")


def _shipped(number: int, **changed: bytes) -> ShippedMeter:
    keys = {name: octets_of(f"{name} {number}", 16) for name in ("encryption_key", "authentication_key", "master_key")}
    return ShippedMeter(f"OAM{number}", title_of(number), **{**keys, **changed})


def _received(meters: list[ShippedMeter]) -> bool:
    maker, own = SoftwareSigner(key_of("maker")), SoftwareAgreement(key_of("own"))
    raw = seal_shipment(meters, maker, own.public_key, lambda size: (octets_of("chance", 32) * 2)[:size])
    try:
        open_shipment(raw, maker.public_key, own)
    except OpenAmiError:
        return False
    return True


@drill("A022", "NAN radio", Removal(shipment, "guessable", ignored))
def keys_follow_a_pattern() -> None:
    stands(_received([_shipped(1)]), "a shipment of good keys was refused")
    for pattern in (bytes(16), bytes(range(16)), b"\xde\xad\xbe\xef" * 4, b"0123456789abcdef"):
        stands(not _received([_shipped(1, encryption_key=pattern)]), f"a meter begins with the key {pattern.hex()}")


@drill("A011", "rogue meter", Removal(shipment, "check_keys", ignored))
def a_maker_gives_all_meters_one_key() -> None:
    one = octets_of("one for all", 16)
    shared = [_shipped(number, encryption_key=one) for number in range(10)]
    stands(not _received(shared), "the key of one meter opens nine others")


@drill("A043", "collector", Removal(deny_list.DenyList, "_take", ignored))
def a_stolen_certificate_is_used_elsewhere() -> None:
    with TemporaryDirectory() as folder:
        authority = CertificateAuthority(Path(folder) / "services")
        authority.make(NOW)
        raw = authority.sign(make_request(Path(folder) / "c.pem", "c1"), "c1", "hill", NOW)
        listed = DenyList(authority.deny_list, authority.certificate)
        authority.deny(raw, NOW + timedelta(minutes=1))
        listed.refresh()
        serial = x509.load_pem_x509_certificate(raw).serial_number
        stands(listed.denied(serial), "a certificate that was called back is good after the list was read again")


class _Meters:
    """Meters that keep new keys before they answer, and take the former ones until the new were used."""

    def __init__(self, keys: dict[bytes, MeterKeys]) -> None:
        self.keys = {title: [one] for title, one in keys.items()}

    async def opens(self, system_title: bytes, keys: MeterKeys) -> bool:
        there = self.keys[system_title]
        if keys == there[-1]:
            self.keys[system_title] = [keys]
        return keys in there

    async def transfer(self, system_title: bytes, keys: MeterKeys, new: MeterKeys) -> None:
        if keys not in self.keys[system_title]:
            raise LinkLost("no session under these keys")
        self.keys[system_title] = [keys, new]


def _stores(disk: FaultDisk) -> tuple[WrappedKeystore, WrappedKeystore]:
    wrapping = SoftwareWrapping(bytes(32), random=random_of(b"wrapping"))
    current, pending = (WrappedKeystore(Path("/keys") / name, wrapping, disk=disk) for name in ("current", "pending"))
    return current, pending


@drill(
    "A097",
    "insider operator",
    Removal(WrappedKeystore, "_write", lambda self, wrapped: setattr(self, "_wrapped", wrapped)),
)
def a_roll_over_is_killed_at_every_step() -> None:
    titles = [title_of(number) for number in range(3)]
    for step in range(1, 200):
        disk = FaultDisk()
        keys = {
            title: MeterKeys(
                octets_of(f"e{title.hex()}", 16), octets_of(f"a{title.hex()}", 16), master_key=octets_of("m", 16)
            )
            for title in titles
        }
        store, _ = _stores(disk)
        store.put_many(keys)
        meters = _Meters(keys)
        disk.dies_at = disk.steps + step
        try:
            rolling = RollOver(*_stores(disk), meters, random_of(b"new"))
            rolling.begin(titles)
            asyncio.run(rolling.go_on())
            ended = True
        except PowerCut:
            ended = False
        except OpenAmiError as error:
            raise Fallen(f"the keystore was lost: {error}") from error
        current, pending = _stores(disk.after_power_cut())
        for title in titles:
            mine = [one.meter_keys(title) for one in (current, pending) if title in one.system_titles()]
            stands(any(one in meters.keys[title] for one in mine), f"killed at step {step}: no key opens the meter")
        if ended:
            return
