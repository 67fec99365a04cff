"""`openami check`: how a meter deviates from a companion profile."""

from __future__ import annotations

import asyncio
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from openami.cli.output import JsonOption, console, print_rows
from openami.cli.session import SessionOptions, open_session
from openami.cli.session_options import reaching_a_meter
from openami.model.errors import SettingError
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.companion.check import Deviation, deviations
from openami.protocols.dlms.companion.meter_record import OBJECT_LIST, model_of
from openami.protocols.dlms.companion.profile import CompanionProfile, load_profile
from openami.protocols.dlms.cosem.object_model import ObjectModel
from openami.protocols.dlms.obis_names import obis_name

COLUMNS = ("Deviation", "Logical name", "Meaning", "Member", "Profile", "Meter")
SUFFIX = ".toml"


@reaching_a_meter
def check(
    options: SessionOptions,
    *,
    profile: Annotated[
        str, typer.Option(help="Profile to check against: plain, idis-2, dsmr-5, or a TOML file of your own.")
    ],
    as_json: JsonOption = False,
) -> int:
    """Report how a meter deviates from a companion profile: objects, classes, versions, members, access.

    The meter's object list is read as the client that you choose, and compared with what the profile says of that
    client. The exit status is 0 if nothing deviates and 1 if something does.
    """
    chosen = find_profile(profile)
    model = asyncio.run(_model(options))
    authentication = Authentication[options.authentication.name]
    found = list(deviations(chosen, model, options.client_sap, authentication))
    rows = [_row(one) for one in found]
    if rows or as_json:
        print_rows(f"Deviations from {chosen.name}", COLUMNS, rows, as_json=as_json)
    if not as_json:
        console.print(f"{len(model)} objects, {len(rows)} deviations from {chosen.description}", highlight=False)
    return 1 if rows else 0


def find_profile(name: str) -> CompanionProfile:
    """One of the profiles that come with the program, or a file; raise `SettingError` that says what there is."""
    folder = resources.files("openami.protocols.dlms.companion") / "profiles"
    shipped = {one.name.removesuffix(SUFFIX): one for one in folder.iterdir() if one.name.endswith(SUFFIX)}
    if name in shipped:
        return load_profile(shipped[name].read_text(encoding="utf-8"), name)
    file = Path(name)
    if not file.is_file():
        raise SettingError(f"--profile {name!r} is no file, and not one of {', '.join(sorted(shipped))}")
    try:
        return load_profile(file.read_text(encoding="utf-8"), str(file))
    except UnicodeDecodeError as error:
        raise SettingError(f"{file} is no text: {error}") from error


async def _model(options: SessionOptions) -> ObjectModel:
    async with open_session(options) as client:
        return model_of(await client.get_raw(OBJECT_LIST))


def _row(one: Deviation) -> tuple[str, ...]:
    name = one.logical_name
    return (
        one.kind.value,
        "" if name is None else str(name),
        "" if name is None else obis_name(name),
        one.member,
        one.profile,
        one.meter,
    )
