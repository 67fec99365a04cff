"""`openami read`: any DLMS meter, over wrapper, HDLC or an optical head."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from openami.cli.meter_view import MeterView, Table
from openami.cli.output import JsonOption, print_json, print_table
from openami.cli.session import AuthenticationName, FramingName, SessionOptions, octets, open_session
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.association_ln import AssociationLN
from openami.protocols.dlms.cosem.object_model import ObjectModel
from openami.protocols.dlms.security import Secret

CURRENT_ASSOCIATION = ObisCode(0, 0, 40, 0, 0)


def read(
    link: Annotated[
        str, typer.Argument(help="Where the meter is: `tcp://host:port`, `serial:///dev/ttyUSB0?baudrate=9600`.")
    ],
    what: Annotated[
        list[str] | None,
        typer.Argument(help="OBIS codes to read, for example 1-0:1.8.0*255; nothing lists all objects."),
    ] = None,
    *,
    start: Annotated[
        str | None, typer.Option("--from", help="First stamp of a profile, ISO 8601; UTC if it names no zone.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Last stamp of a profile, ISO 8601; UTC if it names no zone.")
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last N entries of a profile.")] = None,
    framing: Annotated[
        FramingName | None, typer.Option(help="Framing; wrapper on TCP and HDLC on serial lines by default.")
    ] = None,
    client: Annotated[int, typer.Option(min=1, max=127, help="Client address (SAP): 16 is the public client.")] = 16,
    server: Annotated[int, typer.Option(min=0, max=16383, help="Logical device (SAP) of the meter.")] = 1,
    physical: Annotated[
        int | None, typer.Option(min=0, max=16383, help="Physical device address on an HDLC line.")
    ] = None,
    authentication: Annotated[
        AuthenticationName, typer.Option(help="How to authenticate; without authentication no keys are used.")
    ] = AuthenticationName.NONE,
    password: Annotated[
        str | None, typer.Option(envvar="OPENAMI_PASSWORD", help="Password of LLS; better given in the environment.")
    ] = None,
    encryption_key: Annotated[
        str | None,
        typer.Option(envvar="OPENAMI_ENCRYPTION_KEY", help="Global unicast encryption key in hexadecimal."),
    ] = None,
    authentication_key: Annotated[
        str | None, typer.Option(envvar="OPENAMI_AUTHENTICATION_KEY", help="Authentication key in hexadecimal.")
    ] = None,
    system_title: Annotated[str, typer.Option(help="Our system title in hexadecimal.")] = "4f41490000000001",
    meter_system_title: Annotated[
        str | None, typer.Option(help="Insist on this system title of the meter, in hexadecimal.")
    ] = None,
    general_glo: Annotated[bool, typer.Option("--general-glo", help="Use general-glo-ciphering.")] = False,
    invocation_counter: Annotated[
        int,
        typer.Option(min=0, max=2**32 - 1, help="Send at least this invocation counter."),
    ] = 0,
    timeout: Annotated[float, typer.Option(min=0.1, help="How long to wait for an answer, seconds.")] = 10.0,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of tables.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read objects, registers and profiles of a DLMS/COSEM meter.

    Without OBIS codes the meter's object list is shown. A profile is read whole, or by range with `--from` and `--to`,
    or its last entries with `--last`. Secrets are better given in the environment than on the command line.
    """
    options = SessionOptions(
        link, framing, client, server, physical, authentication,
        Secret(password.encode()) if password is not None else None,
        _secret("--encryption-key", encryption_key), _secret("--authentication-key", authentication_key),
        system_title, meter_system_title, general_glo, invocation_counter, timeout,
    )  # fmt: skip
    codes = [code_of(text) for text in what or ()]
    period = time_of("--from", start), time_of("--to", end)
    check_order(*period)
    if last is not None and period != (None, None):
        raise SettingError("--last takes the newest entries; leave --from and --to out")
    if as_csv and as_json:
        raise SettingError("--csv or --json, not both")
    for table in asyncio.run(_read(options, codes, period, last)):
        _print(table, as_csv=as_csv, as_json=as_json)


async def _read(
    options: SessionOptions,
    codes: Sequence[ObisCode],
    period: tuple[datetime | None, datetime | None],
    last: int | None,
) -> list[Table]:
    async with open_session(options) as client:
        objects = await client.get(AssociationLN.object_list, CURRENT_ASSOCIATION)
        view = MeterView(client, ObjectModel.of(objects), options.client_sap)
        if not codes:
            return [view.objects()]
        return [await view.read(code, period, last) for code in codes]


def _print(table: Table, *, as_csv: bool, as_json: bool) -> None:
    if as_json:
        for one in table.objects:
            print_json(one)
        return
    if not as_csv:
        print_table(table.title, table.columns, table.rows)
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(table.columns)
    writer.writerows(table.rows)


def _secret(option: str, text: str | None) -> Secret | None:
    return None if text is None else Secret(octets(option, text, 16))


def code_of(text: str) -> ObisCode:
    """An OBIS code as typed; group F may be left out."""
    try:
        return ObisCode.parse(text if "*" in text else f"{text}*255")
    except ValueError as error:
        raise SettingError(str(error)) from error


def time_of(option: str, text: str | None) -> datetime | None:
    """A moment as typed, UTC if it names no zone; raises `SettingError` that names the option."""
    moment = moment_of(option, text)
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def moment_of(option: str, text: str | None) -> datetime | None:
    """A moment as typed, with or without a zone; raises `SettingError` that names the option."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"{option} is {text!r}; write it as 2026-01-31T12:00:00+01:00") from error


def check_order(start: datetime | None, end: datetime | None) -> None:
    """Raise `SettingError` for a period that ends before it begins."""
    if start is not None and end is not None and end < start:
        raise SettingError(f"--to ({end.isoformat()}) lies before --from ({start.isoformat()})")
