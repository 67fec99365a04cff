"""`openami read`: any DLMS meter, over wrapper, HDLC or an optical head."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from openami.cli.meter_view import MeterView, Table
from openami.cli.output import JsonOption, print_json, print_table
from openami.cli.recording import take_record, write_record
from openami.cli.session import SessionOptions, open_session
from openami.cli.session_options import reaching_a_meter
from openami.cli.written import check_order, code_of, time_of
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.companion.meter_record import OBJECT_LIST, MeterRecord, model_of


@reaching_a_meter
def read(
    options: SessionOptions,
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
    save: Annotated[
        Path | None,
        typer.Option(help="Write a record of all objects and values to a file, for `openami meter --clone`."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of tables.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read objects, registers and profiles of a DLMS/COSEM meter.

    Without OBIS codes the meter's object list is shown. A profile is read whole, or by range with `--from` and `--to`,
    or its last entries with `--last`. Secrets are better given in the environment than on the command line.

    With `--save` everything that the meter shows is read and recorded, passwords and keys excepted. The record says
    what the household consumed: only you may read the file.
    """
    codes = [code_of(text) for text in what or ()]
    period = time_of("--from", start), time_of("--to", end)
    check_order(*period)
    if last is not None and period != (None, None):
        raise SettingError("--last takes the newest entries; leave --from and --to out")
    if as_csv and as_json:
        raise SettingError("--csv or --json, not both")
    if save is not None and (codes or period != (None, None)):
        raise SettingError("--save records all objects; leave codes, --from and --to out (--last shortens profiles)")
    if save is not None:
        record = asyncio.run(_record(options, last))
        write_record(record, save)
        _print(_summary(record, save), as_csv=as_csv, as_json=as_json)
        return
    for table in asyncio.run(_read(options, codes, period, last)):
        _print(table, as_csv=as_csv, as_json=as_json)


async def _read(
    options: SessionOptions,
    codes: Sequence[ObisCode],
    period: tuple[datetime | None, datetime | None],
    last: int | None,
) -> list[Table]:
    async with open_session(options) as client:
        view = MeterView(client, model_of(await client.get_raw(OBJECT_LIST)), options.client_sap)
        if not codes:
            return [view.objects()]
        return [await view.read(code, period, last) for code in codes]


async def _record(options: SessionOptions, last: int | None) -> MeterRecord:
    async with open_session(options) as client:
        return await take_record(client, options.client_sap, options.server_sap, last)


def _summary(record: MeterRecord, file: Path) -> Table:
    given = sum(isinstance(answer, bytes) for answer in record.answers.values())
    row = (str(file), len(record.model()), given, len(record.answers) - given)
    columns = ("File", "Objects", "Values", "Refused")
    names = [column.lower() for column in columns]
    return Table("Record", columns, (row,), (dict(zip(names, row, strict=True)),))


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
