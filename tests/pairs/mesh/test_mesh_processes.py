"""A collector and two meters as processes, joined by ZEP datagrams; the back office reads both, one relayed."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from command_line import Process
from openami.app.installation import Installation, install
from openami.app.parts import open_back_office
from openami.app.settings import Settings
from openami.backoffice.operations.read_plan import ReadPlan
from openami.backoffice.operations.settings import OperationsSettings
from openami.cli.commands import run
from openami.io.clock import SystemClock
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request

STATIONS = ("024f414d00000001", "024f414d00000002")
TITLES = ("4f414d0000000001", "4f414d0000000002")
LINK_KEYS, KEYS, MORE_KEYS = (tuple(f"{row}{number}" * 16 for number in (1, 2)) for row in "abc")
RHYTHM = OperationsSettings(attempts=8, backoff_s=2.0, backoff_max_s=8.0)
TRIES = 10
COLUMNS = "point,address,zone,serial,system_title,link,resolution_s,encryption_key,authentication_key,since"


def free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def radio(port, *peers):
    return f"zep://127.0.0.1:{port}?" + "&".join(f"peer=127.0.0.1:{peer}" for peer in peers)


class Site:
    """An installation that knows both meters, and a collector's box that lets both stations join."""

    def __init__(self, folder):
        self.folder = folder
        self.made, _ = install(folder / "office", Settings())
        self.settings = self.made.folder / "openami.toml"
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", self.settings.read_text())
        self.settings.write_text(text.replace('collector_listen = ""', 'collector_listen = "127.0.0.1:0"'))
        since = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
        lines = [
            f"P{n},Mill Lane {n},Etc/UTC,7000000{n},{TITLES[n]},collector://c1/{STATIONS[n]},900,{KEYS[n]},{MORE_KEYS[n]},{since}"
            for n in (0, 1)
        ]
        (folder / "meters.csv").write_text("\n".join((COLUMNS, *lines, "")))
        assert run(["enrol", str(folder / "meters.csv"), "--settings", str(self.settings)]) == 0
        self.box = folder / "box"
        (self.box / "tls").mkdir(parents=True)
        (self.box / "mesh").mkdir()
        stations = [f"{station} {key}  # house" for station, key in zip(STATIONS, LINK_KEYS, strict=True)]
        (self.box / "mesh" / "stations").write_text("\n".join(stations))
        authority, now = CertificateAuthority(self.made.folder / "services"), datetime.now(UTC)
        authority.make(now)
        own = self.box / "tls" / "collector.pem"
        install_certificate(own, authority.sign(make_request(own, "c1"), "c1", "", now))
        (self.box / "tls" / "zones.pem").write_bytes((self.made.folder / "tls" / "authority.pem").read_bytes())

    def dial(self, headend, mesh):
        port = re.search(r"collectors on port (\d+)", headend)[1]
        (self.box / "openami.toml").write_text(
            f'[collector]\nname = "c1"\nheadend = "127.0.0.1:{port}"\nmesh = "{mesh}"\npush_listen = "127.0.0.1:0"\n'
            'status_listen = ""\nspread_s = 0.0\n'
        )

    async def read(self, headend):
        """Whether yesterday's load profile of each meter is stored."""
        port = re.search(r"port (\d+)", headend)[1]
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day = midnight - timedelta(days=1), midnight
        made = Installation.load(self.settings)
        async with open_back_office(made, SystemClock(), f"127.0.0.1:{port}", RHYTHM) as office:
            points = [point.id for point in office.registry.points()]
            meters = [meter.id for meter in office.registry.meters()]
            for _ in range(TRIES):
                deadline = datetime.now(UTC) + timedelta(minutes=3)
                campaign = office.operations.create_campaign("once", meters, ReadPlan(), day, deadline)
                await office.operations.run_campaign(campaign)
                found = [office.mdm.evidence_of(point, 1, midnight - timedelta(hours=12)) for point in points]
                if all(found):
                    return True
        return False

    def meter(self, n, mesh):
        return Process(
            self.folder, "meter", "--json", "--mesh", mesh, "--mesh-eui64", STATIONS[n], "--mesh-key", LINK_KEYS[n],
            "--serial", f"7000000{n}", "--system-title", TITLES[n], "--encryption-key", KEYS[n], "--authentication-key",
            MORE_KEYS[n], "--counters", self.folder / f"meter{n}", "--days", "2",
        )  # fmt: skip


def test_meters_in_a_mesh_of_processes_are_read_end_to_end(tmp_path):
    site = Site(tmp_path)
    root, near, far = free_ports(3)
    with ExitStack() as stack:
        headend = stack.enter_context(Process(site.folder, "up", "headend", "-s", site.settings))
        told = headend.line("headend")
        site.dial(told, radio(root, near))
        collector = stack.enter_context(Process(site.folder, "up", "collector", "-s", site.box / "openami.toml"))
        collector.line("collector")
        for n, mesh in enumerate((radio(near, root, far), radio(far, near))):
            assert STATIONS[n] in stack.enter_context(site.meter(n, mesh)).line("link")
        assert asyncio.run(site.read(told))
        assert collector.stop(signal.SIGINT).status == 0


def test_a_mesh_meter_says_what_it_wants(capsys):
    for options, reason in (
        (["--mesh", "zep://127.0.0.1"], "--mesh-eui64"),
        (["--mesh", "zep://127.0.0.1", "--mesh-eui64", STATIONS[0], "--mesh-key", LINK_KEYS[0]], "zep://HOST:PORT"),
        (["--mesh", radio(1, 2), "--mesh-eui64", "12", "--mesh-key", LINK_KEYS[0]], "1 bytes, not 8"),
        (["--mesh", radio(1, 2), "--mesh-eui64", STATIONS[0], "--mesh-key", LINK_KEYS[0]], "--counters"),
    ):
        assert run(["meter", *options]) != 0
        assert reason in capsys.readouterr().err
