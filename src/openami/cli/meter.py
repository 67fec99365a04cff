"""`openami meter`: one simulated meter on a TCP port or a pseudo terminal."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from openami.app.meter_seal_file import read_meter_seal
from openami.cli.clone import CloneOptions, run_clone
from openami.cli.hexadecimal import octets
from openami.cli.key_files import KeyFiles, symmetric_key
from openami.cli.mesh_meter import mesh_place
from openami.cli.output import JsonOption
from openami.cli.run_meter import run_local_port, run_on_mesh, run_served
from openami.cli.session import AuthenticationName, FramingName
from openami.cli.session_options import AuthenticationKeyOption, EncryptionKeyOption
from openami.cli.waking import Waking
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.local_ports import LocalFace, local_port
from openami.field.meter.laboratory_meter import LaboratoryMeter
from openami.field.meter.real_curves import SOURCES, replayed
from openami.field.meter.sealed_meter import SealedMeter
from openami.io.clock import Clock, ScaledClock, SystemClock
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.io.keystore.sealed_records import SealedRecords
from openami.model.errors import SettingError
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.cosem.disconnect_control import ControlMode
from openami.protocols.dlms.security import Secret, SecurityKeys, SecuritySuite

DAY_S = 86_400


def meter(
    *,
    listen: Annotated[
        str, typer.Option(help="Address to serve, host:port for TCP, udp://host:port for UDP; port 0 takes a free one.")
    ] = ("127.0.0.1:4059"),
    pty: Annotated[bool, typer.Option("--pty", help="Serve HDLC on a pseudo terminal instead of TCP.")] = False,
    framing: Annotated[
        FramingName, typer.Option(help="Framing on TCP; UDP carries the wrapper.")
    ] = FramingName.WRAPPER,
    serial: Annotated[str, typer.Option(help="Serial number, 1 to 13 characters.")] = "10000001",
    system_title: Annotated[str, typer.Option(help="System title in hexadecimal.")] = "4f414d0000000001",
    curve: Annotated[str, typer.Option(help=f"Load curve to replay: {', '.join(SOURCES)}.")] = "uk-2",
    days: Annotated[int, typer.Option(min=0, max=60, help="How many days of history the meter starts with.")] = 7,
    capture_period: Annotated[int, typer.Option(help="Capture period of the load profile, seconds.")] = 900,
    drift: Annotated[float, typer.Option(help="Drift of the meter's clock, parts per million.")] = 0.0,
    speed: Annotated[float, typer.Option(min=1, help="How many times faster than real time the meter lives.")] = 1.0,
    encryption_key: EncryptionKeyOption = None,
    authentication_key: AuthenticationKeyOption = None,
    counters: Annotated[
        Path | None, typer.Option(help="Journal of invocation counters; needed with keys of your own.")
    ] = None,
    suite: Annotated[int, typer.Option(min=0, max=2, help="Security suite of the keys.")] = 0,
    master_key: Annotated[
        str | None, typer.Option(envvar="OPENAMI_MASTER_KEY", help="Master key that others are transferred under.")
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="Folder of keys and certificates that clients have changed, sealed."),
    ] = None,
    laboratory: Annotated[
        bool, typer.Option("--laboratory", help="Also answer clients without proof (16) and with a password (3).")
    ] = False,
    password: Annotated[
        str | None,
        typer.Option(
            envvar="OPENAMI_PASSWORD",
            help="Password of a laboratory meter's LLS client, or of the programming mode of an IEC 62056-21 port.",
        ),
    ] = None,
    clone: Annotated[
        Path | None,
        typer.Option(help="Play the record that `openami read --save` took of a real meter, or a profile (TOML)."),
    ] = None,
    authentication: Annotated[
        AuthenticationName | None, typer.Option(help="How the client of a clone's record proves itself.")
    ] = None,
    hls_secret: Annotated[
        str | None, typer.Option(envvar="OPENAMI_HLS_SECRET", help="Secret of a clone's HLS 2 (AES), 3, 4, 6.")
    ] = None,
    signing_key: Annotated[
        Path | None, typer.Option(help="File of a clone's private signing key (PEM or DER): HLS 7.")
    ] = None,
    client_certificate: Annotated[
        Path | None, typer.Option(help="File of the signing certificate or public key of a clone's client: HLS 7.")
    ] = None,
    two_seals: Annotated[
        Path | None,
        typer.Option(help="File of `openami pki meter`: critical commands are taken under two seals only."),
    ] = None,
    face: Annotated[
        LocalFace | None,
        typer.Option(help="Serve this port of the meter instead of DLMS: p1, sml or iec62056-21."),
    ] = None,
    face_interval: Annotated[float, typer.Option(help="Seconds between two messages of a p1 or sml port.")] = 10.0,
    mbus: Annotated[
        str, typer.Option(help="The M-Bus whose master the meter is: tcp://host:port of a gateway, or serial:///dev/….")
    ] = "",
    sub_meter: Annotated[
        list[int] | None,
        typer.Option(min=0, max=250, help="Primary address of a meter on it, channel 1 first; repeat. 0: none yet."),
    ] = None,
    push: Annotated[str, typer.Option(help="Where to push alarms and last gasps, host:port; empty: nowhere.")] = "",
    call_in: Annotated[str, typer.Option(help="Where the meter calls in when it is woken, host:port.")] = "",
    wake_listen: Annotated[str, typer.Option(help="Where wake-ups arrive (UDP), host:port.")] = "127.0.0.1:4063",
    wake_key: Annotated[str, typer.Option(help="Ed25519 key that signs wake-ups, 64 hex digits.")] = "",
    mesh: Annotated[
        str, typer.Option(help="Instead of a port: the radio of a mesh station, zep://HOST:PORT?peer=HOST:PORT.")
    ] = "",
    mesh_eui64: Annotated[str | None, typer.Option(help="The station's EUI-64, 16 hexadecimal digits.")] = None,
    mesh_key: Annotated[
        str | None, typer.Option(envvar="OPENAMI_MESH_KEY", help="The key that it joins with, 32 hexadecimal digits.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run one simulated electricity meter: a DLMS/COSEM peer for clients of any make.

    Client 2 reads and client 1 manages, both with HLS 5 and ciphered; client 16 sees only what identifies the meter.
    Without keys of your own fresh ones are made and shown. Runs until stopped.

    With `--clone` the meter is another one: it shows the objects and values of a record to the client that the
    record was made for. Keys make that client prove itself by HLS 5, a password by LLS; `--authentication` says
    it otherwise. From a companion profile it
    takes the objects, rights and values of every client, and how each proves itself.

    With `--mesh` the meter joins a collector's mesh, relays for other stations, and is reached and pushes through it.
    """
    if clone is None and (authentication, signing_key, client_certificate) != (None, None, None):
        raise SettingError("--authentication, --signing-key and --client-certificate are of a clone: give --clone")
    if mesh_eui64 is not None and not mesh:
        raise SettingError("--mesh-eui64 is of a mesh station: give --mesh")
    if wake_key and not call_in:
        raise SettingError("--wake-key is of a meter that calls in when it is woken: give --call-in")
    if records is not None and encryption_key is None:
        raise SettingError("--records is sealed under keys of your own: give --encryption-key and --authentication-key")
    clock: Clock = SystemClock() if speed == 1 else ScaledClock(SystemClock().time(), speed)
    store: CounterFile | None = None if counters is None else CounterFile(counters, disk=SystemDisk())
    if clone is not None:
        sealed = encryption_key is not None or authentication_key is not None
        clone_options = CloneOptions(
            clone,
            octets("--system-title", system_title, 8),
            _keys(encryption_key, authentication_key, master_key, counters, SecuritySuite(suite)) if sealed else None,
            None if password is None else Secret(password.encode()),
            store,
            None if authentication is None else Authentication[authentication.name],
            None if hls_secret is None else Secret(hls_secret.encode()),
            KeyFiles(signing_key, client_certificate).load(SecuritySuite(suite)),
        )
        with suppress(KeyboardInterrupt):
            asyncio.run(
                run_clone(clone_options, clock, listen=None if pty else listen, framing=framing, as_json=as_json)
            )
        return
    keys = _keys(encryption_key, authentication_key, master_key, counters, SecuritySuite(suite))
    kept = None if records is None else _records(records, keys)
    config = MeterConfig(
        serial=serial,
        system_title=octets("--system-title", system_title, 8),
        keys=keys,
        capture_period_s=capture_period,
        drift_ppm=drift,
        sub_meters=tuple(sub_meter or ((1,) if mbus else ())),
        push_destination=push or ("mesh" if mesh else ""),
        control_mode=ControlMode.MODE_2 if two_seals is None else ControlMode.MODE_1,
    )
    start = clock.time() - days * DAY_S
    load = ArrayCurve.replay(replayed(curve, clock.time()))
    random = secrets.token_bytes
    device = ElectricityMeter(config, load, start, store, random, kept)
    if laboratory:
        device = LaboratoryMeter(config, load, start, _password(password), store, random, kept)
    sealed_meter = None if two_seals is None else SealedMeter(device, read_meter_seal(two_seals), random)
    served_at = None if pty else listen
    with suppress(KeyboardInterrupt):
        if mesh:
            asyncio.run(run_on_mesh(device, mesh_place(mesh, mesh_eui64, mesh_key), store, speed, as_json=as_json))
        elif face is not None:
            port = local_port(face, device, clock, face_interval, password)
            asyncio.run(run_local_port(port, device, clock, listen=served_at, as_json=as_json))
        else:
            waking = Waking(call_in, wake_listen, wake_key)
            settings = None if sealed_meter is None else sealed_meter.server_settings()
            asyncio.run(
                run_served(device, clock, waking, mbus, settings, listen=served_at, framing=framing, as_json=as_json)
            )


def _keys(
    encryption_key: str | None,
    authentication_key: str | None,
    master_key: str | None,
    counters: Path | None,
    suite: SecuritySuite,
) -> SecurityKeys:
    size = suite.key_size
    master = None if master_key is None else symmetric_key("--master-key", master_key, suite).reveal()
    if encryption_key is None and authentication_key is None:
        return SecurityKeys(secrets.token_bytes(size), secrets.token_bytes(size), suite=suite, master_key=master)
    if encryption_key is None or authentication_key is None:
        raise SettingError("--encryption-key and --authentication-key belong together")
    if counters is None:
        raise SettingError(
            "keys of your own outlive this run: --counters must name a journal, so that no number repeats"
        )
    return SecurityKeys(
        symmetric_key("--encryption-key", encryption_key, suite).reveal(),
        symmetric_key("--authentication-key", authentication_key, suite).reveal(),
        suite=suite,
        master_key=master,
    )


def _records(folder: Path, keys: SecurityKeys) -> SealedRecords:
    """Sealed by what the meter was started with first: the same options open them after a restart."""
    secret = keys.global_unicast_encryption_key + keys.authentication_key + (keys.master_key or b"")
    return SealedRecords(folder, secret, disk=SystemDisk(), random=secrets.token_bytes)


def _password(password: str | None) -> Secret:
    if password is None:
        raise SettingError("--laboratory needs --password for its client 3")
    return Secret(password.encode())
