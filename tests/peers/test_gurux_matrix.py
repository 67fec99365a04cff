"""gurux-dlms against our meter in every way of proof and protection that it has, in both kinds of names.

One process of the peer does all of it. What the peer cannot do is asserted too, with its own words, so that a later
version that can is noticed.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from dlms_curves import curves, key
from gurux_peer import NEEDED, GuruxPeer, PeerFailed
from meter_bench import DAY_S, METER_TITLE, PASSWORD, START, BenchClock, make_laboratory_meter, seeded
from openami.field.meter.faces.push import push_over_tcp
from openami.field.meter.faces.serial_line import serve_meter_pty
from openami.io.links.dlms import serve_dlms
from openami.io.links.tcp import serve_tcp
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.companion.meter_record import OBJECT_LIST, model_of
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.hls_proof import aes_function
from openami.protocols.dlms.security import Secret, SecurityControl, SecurityKeys, SecuritySuite
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerState
from openami.protocols.dlms.short_names import assign_short_names
from openami.protocols.dlms.wrapper import WrapperFraming

pytestmark = NEEDED

SAP = 2
ENERGY = "1.0.1.8.0.255"
SECRET = b"a secret of both"
PEER_TITLE = b"GUR\x00\x00\x00\x00\x01"
NOW = START + DAY_S
PROTECTIONS = {
    "authentication": SecurityControl.AUTHENTICATION,
    "encryption": SecurityControl.ENCRYPTION,
    "both": SecurityControl.AUTHENTICATED_ENCRYPTION,
}
FORMS: dict[str, dict[str, Any]] = {
    "glo": {},
    "ded": {"dedicated_key": True},
    "general-glo": {"general": True},
    "general-ded": {"dedicated_key": True, "general": True},
}
MECHANISMS = ("none", "lls", "hls2", "hls3", "hls4", "hls5", "hls6", "hls7-1", "hls7-2")
WAYS = (
    *(f"{mechanism} plain" for mechanism in MECHANISMS),
    *(f"hls5 {form} {suite} both" for form in FORMS for suite in (0, 1, 2)),
    "hls5 glo 0 authentication",
    "hls5 glo 0 encryption",
    "lls glo 0 both",
    "none glo 0 both",
    "hls6 general-glo 0 both",
    "hls7-1 glo 1 both",
    "hls7-2 glo 2 both",
)
P384 = "Invalid private key scheme"  # its ECDSA asks for P-256 twice
NO_PROOF = "Service not allowed"  # it proves itself by a Write, whose answer cannot bring the meter's proof
NO_CIPHERING = "in getSNPdu"  # an assertion of its own
PEER_CANNOT = [
    ("ln", "hls7-2 plain", P384),
    ("ln", "hls7-2 glo 2 both", P384),
    *(("sn", f"{mechanism} plain", NO_PROOF) for mechanism in MECHANISMS[2:-1]),
    *(("sn", way, NO_CIPHERING) for way in ("none glo 0 both", "lls glo 0 both", "hls5 general-glo 1 both")),
]
"""What the peer fails at, by its own words."""
SHORT = ("none plain", "lls plain")


def keys_of(suite: int) -> SecurityKeys:
    size = SecuritySuite(suite).key_size
    return SecurityKeys(bytes(range(size)), bytes(range(0x40, 0x40 + size)), suite=SecuritySuite(suite))


def der_of(private: Any) -> tuple[str, str]:
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public.hex(), private.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()).hex()


def sides(way: str) -> tuple[AssociationSettings, dict[str, Any]]:
    """How our meter takes the client, and what the peer is told."""
    proof, form, *rest = way.split()
    mechanism, _, curve = proof.partition("-")
    authentication = Authentication[mechanism.upper()]
    ours: dict[str, Any] = {"authentication": authentication, "weak_hashes_allowed": True}
    told: dict[str, Any] = {"authentication": mechanism, "client_sap": SAP}
    if mechanism == "lls":
        ours["password"], told["password"] = PASSWORD, PASSWORD.reveal().decode()
    if mechanism in {"hls2", "hls3", "hls4", "hls6"}:
        ours |= {"hls_secret": Secret(SECRET), "hls_function": aes_function(Secret(SECRET))}
        told["password"] = SECRET.decode()
    if authentication.needs_system_titles or form != "plain":
        told["system_title"] = PEER_TITLE.hex()
    if curve:
        suite = SecuritySuite(int(curve))
        ours["asymmetric"] = curves(suite)[1]
        public, _ = der_of(key(3, suite))
        told |= {"signing": (public, der_of(key(1, suite))[1]), "suite": int(curve)}
    if form != "plain" or mechanism == "hls5":
        keys = keys_of(int(rest[0]) if rest else 0)
        ours["keys"] = keys
        told |= {
            "block_cipher_key": keys.global_unicast_encryption_key.hex(),
            "authentication_key": keys.authentication_key.hex(),
            "suite": int(keys.suite),
            "plain": form == "plain",
        }
        told |= FORMS.get(form, {})
        if told.pop("dedicated_key", False):
            told["dedicated_key"] = bytes(range(0x80, 0x80 + keys.suite.key_size)).hex()
        if rest:
            ours["protection"], told["security"] = PROTECTIONS[rest[1]], rest[1]
    return AssociationSettings(**ours), told


class Bench:
    """One laboratory meter, taken by its client in any way, and the peer."""

    def __init__(self, peer: GuruxPeer) -> None:
        self._peer = peer
        self.meter = make_laboratory_meter(capture_period_s=1800)
        self.meter.advance(NOW)
        self.clock = BenchClock(NOW)

        class Public:
            client_sap = SAP

        octets = self.meter.get(Public(), OBJECT_LIST, None, NOW)
        assert isinstance(octets, bytes)
        self.names = assign_short_names(model_of(octets))

    async def ask(self, do: str, **settings: Any) -> Any:
        return await asyncio.to_thread(self._peer.ask, do, **settings)

    def connection(self, association: AssociationSettings, framing: str) -> ServerConnection:
        settings = replace(
            self.meter.server_settings(),
            associations={SAP: association},
            short_names={1: self.names},
            close_when_idle=framing != "pty",
        )
        state = ServerState(METER_TITLE, MemoryCounters())
        made: Framing = WrapperFraming(Role.SERVER, SAP, 1)
        if framing != "wrapper":
            made = HdlcFraming(Role.SERVER, SAP, HdlcAddress(1))
        now = self.clock.monotonic()
        return ServerConnection(made, settings, state, random=seeded(), utc=lambda _now: NOW, now=now)

    @asynccontextmanager
    async def serving(self, association: AssociationSettings, framing: str):
        """Where the peer finds the meter."""

        class Service:
            async def serve_line(_self, link):  # noqa: N805
                await serve(link)

        async def serve(link):
            await serve_dlms(link, lambda: self.connection(association, framing), self.clock, counters=MemoryCounters())

        if framing == "pty":
            face = await serve_meter_pty(Service())
            close, where = face.close, {"line": face.path, "framing": "hdlc"}
        else:
            server = await serve_tcp(serve, "127.0.0.1", 0)
            close, where = server.close, {"host": "127.0.0.1", "port": server.port, "framing": framing}
        try:
            yield where
        finally:
            await close()

    async def session(self, way: str, framing: str, referencing: str = "ln", **more: Any) -> dict[str, Any]:
        """What the peer reads in one association: objects, a register, a list, rows in blocks; and one refusal."""
        association, told = sides(way)
        async with self.serving(association, framing) as where:
            size = {"max_receive_pdu_size": 400} if referencing == "ln" else {}  # see the long answer below
            await self.ask("associate", **where, **told, **size, **more, referencing=referencing)
            said = {"objects": await self.ask("objects")}
            said["energy"] = await self.ask("read", class_id=3, obis=ENERGY, attribute=2)
            said["unit"] = await self.ask("read", class_id=3, obis=ENERGY, attribute=3)
            said["profile"] = await self.ask("read", class_id=7, obis="1.0.99.1.0.255", attribute=2)
            entries = self.ask("rows_by_entry", obis="1.0.99.1.0.255", first=2, count=3)
            if referencing == "ln":
                said["entries"] = await entries
            else:
                with pytest.raises(PeerFailed, match="can only concatenate"):  # it cannot select by short name
                    await entries
            said["list"] = await self.ask("read_list", wanted=[[3, ENERGY, 2], [3, ENERGY, 3]])
            with pytest.raises(PeerFailed):
                await self.ask("write", class_id=1, obis="0.0.42.0.0.255", attribute=2, octets="00")
            await self.ask("release")
        return said

    def judge(self, said: dict[str, Any]) -> None:
        assert said["energy"] == 24_000
        assert said["unit"] == [0, 30]
        assert len(said["profile"]) == 49
        assert [row[2] for row in said["profile"]] == [500 * number for number in range(49)]
        assert [3, ENERGY] in said["objects"]
        assert said["list"] == [24_000, [0, 30]]
        assert said.get("entries") in (None, said["profile"][1:4])


@pytest.fixture(scope="module")
def peer():
    with GuruxPeer() as made:
        yield made


@pytest.fixture(scope="module")
def bench(peer):
    return Bench(peer)


@pytest.mark.parametrize("way", [way for way in WAYS if "hls7-2" not in way])
@pytest.mark.parametrize("framing", ["wrapper", "hdlc", "pty"])
async def test_the_peer_reads_our_meter(bench, way, framing):
    bench.judge(await bench.session(way, framing))


@pytest.mark.parametrize("way", SHORT)
@pytest.mark.parametrize("framing", ["wrapper", "hdlc", "pty"])
async def test_the_peer_reads_by_short_names(bench, way, framing):
    bench.judge(await bench.session(way, framing, "sn"))


@pytest.mark.parametrize(("referencing", "way", "words"), PEER_CANNOT)
async def test_what_the_peer_cannot_do(bench, referencing, way, words):
    with pytest.raises(PeerFailed, match=words):
        await bench.session(way, "wrapper", referencing)


@pytest.mark.parametrize(
    ("proposed", "words"), [(False, "the meter answers 250"), (True, "no attribute 'setTotalCount'")]
)
async def test_a_long_answer_by_short_name_is_beyond_the_peer(bench, proposed, words):
    """An object list that does not fit the 400 octets that the peer takes.

    By short names it does not propose block-transfer-with-get-or-read. So our meter may send no blocks, and what does
    not fit is other-reason (250). Made to propose it, the peer gets the first block and stumbles over itself. Our own
    client reads the same (tests/pairs/test_dlms_short_name_blocks.py).
    """
    association, told = sides("none plain")
    size = {"max_receive_pdu_size": 400, "read_in_blocks": proposed}
    async with bench.serving(association, "wrapper") as where:
        agreed = await bench.ask("associate", **where, **told, **size, referencing="sn")
        assert bool(agreed & 1 << 11) is proposed, "block-transfer-with-get-or-read"
        with pytest.raises(PeerFailed, match=words):
            await bench.ask("objects")


async def test_the_peer_understands_our_pushes(bench):
    """An alarm of the meter, sealed with general-glo, into the peer's listener."""
    keys = bench.meter.config.keys
    port = await bench.ask(
        "listen",
        block_cipher_key=keys.global_unicast_encryption_key.hex(),
        authentication_key=keys.authentication_key.hex(),
    )
    deliver = push_over_tcp(f"127.0.0.1:{port}")
    bench.meter.power_fail(NOW)
    apdu = bench.meter.next_push()
    bench.meter.power_restore(NOW)
    assert apdu is not None
    assert apdu[0] == 0xDB
    heard = asyncio.create_task(bench.ask("heard"))
    link = await deliver(apdu, 103)
    assert link is not None
    await link.close()
    body = await heard
    assert bench.meter.config.logical_device_name.hex() in str(body)
