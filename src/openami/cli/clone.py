"""`openami meter --clone`: a meter that plays the record of another one, or a companion profile."""

from __future__ import annotations

import secrets
from asyncio import Event
from dataclasses import dataclass
from pathlib import Path

from openami.cli.check import find_profile
from openami.cli.output import console, print_facts
from openami.cli.recording import read_record
from openami.cli.serving import UDP, framing_of, served
from openami.cli.session import FramingName
from openami.field.meter.cloned_meter import ClonedMeter
from openami.io.clock import Clock
from openami.model.errors import SettingError
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.companion.meter_record import MeterRecord
from openami.protocols.dlms.companion.profile_records import records_of
from openami.protocols.dlms.counters import Counters
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.hls_proof import aes_function
from openami.protocols.dlms.security import Secret, SecurityControl, SecurityKeys
from openami.protocols.dlms.wrapper import WrapperFraming

PROFILE = ".toml"


@dataclass(frozen=True, slots=True)
class CloneOptions:
    """What plays the record: keys make its client prove itself by HLS 5, a password by LLS, nothing by nothing.

    `authentication` says it otherwise; a profile says itself how each of its clients does. Whoever has keys ciphers.
    """

    record: Path
    system_title: bytes
    keys: SecurityKeys | None
    password: Secret | None
    counters: Counters | None
    authentication: Authentication | None = None
    hls_secret: Secret | None = None
    asymmetric: AsymmetricKeys | None = None

    def played(self) -> dict[int, tuple[MeterRecord, AssociationSettings]]:
        """The record of each client, and how it may associate."""
        if self.record.suffix != PROFILE:
            record = read_record(self.record)
            return {record.client_sap: (record, self._access(self._strongest()))}
        profile = find_profile(str(self.record))
        asked = {sap: client.authentication or Authentication.NONE for sap, client in profile.clients.items()}
        return {one.client_sap: (one, self._access(asked[one.client_sap])) for one in records_of(profile)}

    def _strongest(self) -> Authentication:
        if self.authentication is not None:
            return self.authentication
        if self.keys is not None:
            return Authentication.HLS5
        return Authentication.NONE if self.password is None else Authentication.LLS

    def _access(self, authentication: Authentication) -> AssociationSettings:
        if authentication is Authentication.NONE:
            return AssociationSettings()
        secret = self.hls_secret
        try:
            return AssociationSettings(
                authentication,
                self.password,
                keys=self.keys,
                protection=SecurityControl.NONE if self.keys is None else SecurityControl.AUTHENTICATED_ENCRYPTION,
                hls_secret=secret,
                hls_function=None if secret is None else aes_function(secret),
                asymmetric=self.asymmetric,
                weak_hashes_allowed=True,  # who plays an old meter wants to
            )
        except SettingError as error:
            raise SettingError(
                f"{self.record}: a client proves itself by {authentication.name.lower()}, and {error}; lls needs "
                "--password, hls5 both keys, hls2, 3, 4 and 6 --hls-secret, hls7 --signing-key and --client-certificate"
            ) from error


async def run_clone(
    options: CloneOptions, clock: Clock, *, listen: str | None, framing: FramingName, as_json: bool
) -> None:
    """Serve the clone on `listen`, or on a pty, for ever."""
    played = options.played()
    records = [record for record, _ in played.values()]
    first = records[0]
    kind = framing_of(listen, framing)
    datagrams = listen is not None and listen.startswith(UDP)

    def make_framing() -> Framing:
        if kind is FramingName.HDLC:
            return HdlcFraming(Role.SERVER, first.client_sap, HdlcAddress(first.server_sap))
        return WrapperFraming(Role.SERVER, first.client_sap, first.server_sap, datagrams=datagrams)

    meter = ClonedMeter(
        records,
        {sap: access for sap, (_, access) in played.items()},
        options.system_title,
        clock,
        make_framing,
        random=secrets.token_bytes,
        counters=options.counters,
    )
    async with served(meter, listen, optical=True) as link:
        for record, access in played.values():
            _introduce(record, access, link, kind, as_json=as_json)
        await Event().wait()


def _introduce(
    record: MeterRecord, access: AssociationSettings, link: str, kind: FramingName, *, as_json: bool
) -> None:
    proof = access.authentication.name.lower()
    facts = {
        "link": link,
        "framing": kind.value,
        "client": record.client_sap,
        "server": record.server_sap,
        "authentication": proof,
        "objects": len(record.model()),
        "values": len(record.answers),
    }
    print_facts(facts, as_json=as_json)
    if as_json:
        return
    line = f"openami read {link} --framing {kind.value} --client {record.client_sap} --server {record.server_sap}"
    console.print(f"\n  {line} --authentication {proof}", highlight=False, soft_wrap=True)
