"""An installation full of secrets, whose head-end and collector run as processes; and the search for the secrets in
all that these processes hold: their memory, their files, what they print.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from meter_bench import seeded
from openami.app.installation import Installation, install
from openami.app.parts import open_back_office
from openami.app.settings import Settings
from openami.backoffice.operations.read_plan import ReadPlan
from openami.cli.commands import run
from openami.io.clock import SystemClock
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request
from openami.protocols.dlms.security import SecurityKeys

TITLE = "4f414d0000000001"
CONSUMER, ADDRESS, POINT = "Quirinius Canarybird", "17 Serinus Court", "POINT-CANARY-0001"
CHUNK = 1 << 22
ROW = 24
TRIES = 5
KEYS = SecurityKeys(seeded(71)(16), seeded(72)(16))
"""Of this meter alone, and no pattern: such octets stand in no program."""
PROGRAM = [sys.executable, str(Path(__file__).with_name("canary_child.py"))]


class CanarySite:
    """Secrets of every kind in the back office; a collector `c1` with one meter, `m1`, at `meter_port`."""

    def __init__(self, folder: Path, meter_link: str) -> None:
        self.folder = folder
        self.made, self.password = install(folder / "office", Settings())
        self.settings = self.made.folder / "openami.toml"
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", self.settings.read_text())
        self.settings.write_text(text.replace('collector_listen = ""', 'collector_listen = "127.0.0.1:0"'))
        self._enrol()
        self._collector(meter_link.removeprefix("tcp://"))

    def _enrol(self) -> None:
        since = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
        key, authentication_key = KEYS.global_unicast_encryption_key.hex(), KEYS.authentication_key.hex()
        file = self.folder / "meters.csv"
        file.write_text(
            "point,address,zone,serial,system_title,link,resolution_s,encryption_key,authentication_key,since\n"
            f"{POINT},{ADDRESS},Etc/UTC,70000001,{TITLE},collector://c1/m1,900,{key},{authentication_key},{since}\n"
        )
        assert run(["enrol", str(file), "--settings", str(self.settings)]) == 0

    def _collector(self, meter: str) -> None:
        now = datetime.now(UTC)
        authority = CertificateAuthority(self.made.folder / "services")
        authority.make(now)
        box = self.folder / "box"
        (box / "tls").mkdir(parents=True)
        own = box / "tls" / "collector.pem"
        install_certificate(own, authority.sign(make_request(own, "c1"), "c1", "hill", now))
        (box / "tls" / "zones.pem").write_bytes((self.made.folder / "tls" / "authority.pem").read_bytes())
        self.box = box / "openami.toml"
        self._section = (
            f'[collector]\nname = "c1"\nmeters = ["m1={meter}"]\npush_listen = "127.0.0.1:0"\n'
            'status_listen = ""\nspread_s = 0.0\nalarm_bytes = 0\n'
        )

    def dial(self, headend: str) -> None:
        """The collector is to call in at the port that the head-end tells."""
        port = re.search(r"collectors on port (\d+)", headend)
        assert port is not None
        self.box.write_text(f'{self._section}headend = "127.0.0.1:{port[1]}"\n')

    async def read_once(self, headend: str) -> bytes:
        """Yesterday's load profile is read, circuit and all; the plain octets that the back office opened."""
        clock = SystemClock()
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        port = re.search(r"port (\d+)", headend)
        assert port is not None
        async with open_back_office(Installation.load(self.settings), clock, f"127.0.0.1:{port[1]}") as office:
            point = office.registry.points()[0].id
            if not office.registry.consumers():
                consumer = office.registry.add_consumer(CONSUMER)
                office.registry.supply(consumer.id, point, midnight - timedelta(days=2))
            day = midnight - timedelta(days=1), midnight
            meters, deadline = [office.registry.meters()[0].id], datetime.now(UTC) + timedelta(minutes=3)
            for _ in range(TRIES):
                campaign = office.operations.create_campaign("once", meters, ReadPlan(), day, deadline)
                await office.operations.run_campaign(campaign)
                found = office.mdm.evidence_of(point, 1, midnight - timedelta(hours=12))
                if found is not None:
                    return found.plain
        raise AssertionError("the meter was not read")

    def secrets(self, plain: bytes) -> dict[str, bytes]:
        """What nobody in the DMZ may hold. `plain` is a load profile under its seal."""
        passphrase = (self.made.folder / "keystore.passphrase").read_text().strip()
        keys = {"encryption key": KEYS.global_unicast_encryption_key, "authentication key": KEYS.authentication_key}
        found = keys | {f"{name}, written": key.hex().encode() for name, key in keys.items()}
        found |= {"passphrase": passphrase.encode(), "password": self.password.encode()}
        found |= {"consumer": CONSUMER.encode(), "address": ADDRESS.encode(), "point": POINT.encode()}
        return found | {f"reading {at}": plain[at : at + ROW] for at in range(200, len(plain) - ROW, 401)}


def memory_of(process: int) -> Iterator[bytes]:
    """All that a process can read of its own memory, in pieces that overlap."""
    maps = Path(f"/proc/{process}/maps").read_text().splitlines()
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, mode, *_ = line.split()
            if not mode.startswith("r") or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            start, end = (int(one, 16) for one in span.split("-"))
            yield from _pieces(memory, start, end)


def _pieces(memory, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, CHUNK):
        memory.seek(at)
        try:
            yield memory.read(min(CHUNK + 256, end - at))
        except OSError:  # a mapping that cannot be read, such as a device's
            return


def found_in(pieces: Iterator[bytes], secrets: dict[str, bytes]) -> set[str]:
    """The names of the secrets that are in there."""
    return {name for piece in pieces for name, secret in secrets.items() if secret in piece}


def files_below(folder: Path) -> Iterator[bytes]:
    """Everything that is written there."""
    return (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
