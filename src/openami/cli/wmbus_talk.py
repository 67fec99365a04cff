"""`openami wmbus set`, `read` and `repeat`: what a stick that can send is good for."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from openami.cli.decode import octets_of
from openami.cli.output import JsonOption, console, print_json, print_rows
from openami.cli.stick_options import (
    GATEWAY,
    AuthorityOption,
    CertificateOption,
    GatewayOption,
    LinkArgument,
    MeterArgument,
    StickName,
    StickOption,
    TimeoutOption,
)
from openami.field.meter.faces.repeater import RepeaterFace
from openami.field.meter.pipe_meter import VALVE_VIF
from openami.io.clock import SystemClock
from openami.io.links.tls_session import TlsSession
from openami.io.links.wmbus import open_stick
from openami.model.errors import LinkTimeout, LocalProtocolError, SettingError
from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.dif import DataField, DataInformation
from openami.protocols.mbus.encode import date_time_record, number_record
from openami.protocols.mbus.measurements import of_records
from openami.protocols.mbus.records import decode_records
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.commanding import MeterCommand, Outcome
from openami.protocols.mbus.wireless.repeater import OneHopRepeater
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from openami.protocols.mbus.wireless.tls_reading import TlsReading


class ValveState(StrEnum):
    """How a valve shall stand."""

    OPEN = "open"
    CLOSED = "closed"


def set(
    link: LinkArgument,
    meter: MeterArgument,
    *,
    stick: StickOption = StickName.IMST,
    valve: Annotated[ValveState | None, typer.Option(help="How its valve shall stand.")] = None,
    clock: Annotated[bool, typer.Option("--clock", help="Set its clock to UTC.")] = False,
    mode: Annotated[int, typer.Option(help="Security mode of the command; meters of ours obey 7 and 10 alone.")] = 7,
    key: Annotated[str | None, typer.Option("--key", "-k", help="The meter's key, 16 bytes.")] = None,
    gateway: GatewayOption = GATEWAY,
    timeout: TimeoutOption = 120.0,
    as_json: JsonOption = False,
) -> int:
    """Set a meter on the air (SND-UD): said in the moment in which it is heard, since it listens only then.

    What the meter answers is asked for at once; the exit status is 1 if it refused. The stick sends at its own pace:
    windows of 2 or 3 ms (modes T and S) are met only by sticks that answer by themselves.
    """
    if valve is None and not clock:
        raise SettingError("nothing to set: give --valve or --clock")
    now = SystemClock().time()
    records = b""
    if valve is not None:
        records += number_record(VALVE_VIF, int(valve is ValveState.OPEN), DataInformation(DataField.INTEGER_8))
    if clock:
        records += date_time_record(datetime.fromtimestamp(now, UTC))
    octets = octets_of("--key", [key] if key else [])
    ours, theirs = meter_address(gateway), meter_address(meter)
    command = MeterCommand(ours, theirs, records, mode=mode, key=octets[0] if octets else b"", counter=int(now))
    outcome = asyncio.run(_command(link, stick, command, timeout))
    facts = {"meter": meter, "refused": outcome.refused, "verified": outcome.verified}
    if as_json:
        print_json(facts)
    else:
        proof = "proved by its MAC" if outcome.verified else "not proved: its answer has no MAC"
        console.print(f"{meter} {f'refused: {outcome.refused}' if outcome.refused else 'obeyed'}; {proof}")
    return 1 if outcome.refused else 0


def meter_address(text: str) -> MeterAddress:
    """The address that a person wrote; raises `SettingError`."""
    try:
        return MeterAddress.parse(text)
    except (ValueError, LocalProtocolError) as error:
        raise SettingError(f"{text!r} is no address of a meter; write it as OAM.10000001.01.07") from error


async def _command(link: str, stick: StickName, command: MeterCommand, timeout_s: float) -> Outcome:
    listener = await open_stick(STICKS[stick.value], link)
    try:
        async with asyncio.timeout(timeout_s):
            while command.outcome is None:
                said = command.receive((await listener.next_heard()).frame)
                if said is not None:
                    await listener.send(said)
    except TimeoutError as error:
        raise LinkTimeout(f"{command.step.value} for {timeout_s:g} s in vain") from error
    finally:
        await listener.close()
    return command.outcome


def read(
    link: LinkArgument,
    meter: MeterArgument,
    *,
    stick: StickOption = StickName.IMST,
    certificate: CertificateOption = None,
    authority: AuthorityOption = None,
    gateway: GatewayOption = GATEWAY,
    timeout: TimeoutOption = 120.0,
    as_json: JsonOption = False,
) -> None:
    """Read a meter on the air through TLS (mode 13): both sides prove who they are by certificates of one authority.

    The name in the meter's certificate is its address with hyphens, oam-10000001-01-07. Meters of other modes are not
    read: they tell by themselves, see `listen`.
    """
    context = tls_context(certificate, authority, server=False)
    theirs = meter_address(meter)
    reading = TlsReading(
        meter_address(gateway), theirs, lambda: TlsSession(context, server_side=False, peer=name_of(theirs))
    )
    content = asyncio.run(_read(link, stick, reading, timeout))
    told = of_records(decode_records(content), theirs.device_type, None, GuaranteeClass.SHARED_KEYS)
    rows = [_row(value) for value in told.values]
    print_rows(f"{meter}, through TLS", ("Name", "Value", "OBIS"), rows, as_json=as_json)


def _row(value: Measurement) -> tuple[str, str, str]:
    shown = value.value.hex() if isinstance(value.value, bytes) else str(value.value)
    return value.called, shown, str(value.name) if isinstance(value.name, ObisCode) else ""


async def _read(link: str, stick: StickName, reading: TlsReading, timeout_s: float) -> bytes:
    listener = await open_stick(STICKS[stick.value], link)
    try:
        async with asyncio.timeout(timeout_s):
            while reading.content is None:
                said = reading.receive((await listener.next_heard()).frame)
                if said is not None:
                    await listener.send(said)
    except TimeoutError as error:
        why = f": {reading.problem}" if reading.problem else ""
        raise LinkTimeout(f"not read within {timeout_s:g} s{why}") from error
    finally:
        await listener.close()
    return reading.content


def name_of(meter: MeterAddress) -> str:
    """The name in a meter's certificate: host names may not end in a number behind a dot."""
    return str(meter).replace(".", "-").lower()


def tls_context(certificate: Path | None, authority: Path | None, *, server: bool) -> ssl.SSLContext:
    """Who we are and whom we trust; raises `SettingError` that names the option."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    for option, file, load in (
        ("--certificate", certificate, context.load_cert_chain),
        ("--authority", authority, context.load_verify_locations),
    ):
        if file is None:
            raise SettingError(f"{option} is missing: TLS on the air proves both sides")
        try:
            load(file)
        except OSError as error:  # ssl.SSLError is one
            raise SettingError(f"{option} {file}: {error.strerror or error}") from error
    return context


def repeat(
    link: LinkArgument,
    *,
    stick: StickOption = StickName.IMST,
    address: Annotated[str, typer.Option(help="The repeater's own address.")] = "OAM.00000001.01.32",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Repeat this meter; none: all that are heard.")
    ] = None,
) -> None:
    """Repeat what meters say (one hop), with a stick that can send. No key is needed. Runs until stopped."""
    meters = frozenset(meter_address(each) for each in only or ())
    repeater = OneHopRepeater(meter_address(address), secrets.token_bytes, only=meters)
    with suppress(KeyboardInterrupt):
        asyncio.run(_repeat(link, stick, repeater))


async def _repeat(link: str, stick: StickName, repeater: OneHopRepeater) -> None:
    face = RepeaterFace(repeater, await open_stick(STICKS[stick.value], link), SystemClock())
    try:
        await face.serve()
    finally:
        told = f"{repeater.repeated} repeated, {repeater.dropped} dropped, {face.damaged} damaged"
        console.print(told, highlight=False)
