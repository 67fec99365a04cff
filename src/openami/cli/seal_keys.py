"""`openami pki key|public|receive`: keys of authority and guard, in a folder or in a token, and makers' shipments."""

from __future__ import annotations

import secrets
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from openami.app.settings import SETTINGS_FILE
from openami.cli.hexadecimal import octets
from openami.cli.output import console
from openami.model.errors import SettingError

if TYPE_CHECKING:
    from openami.app.installation import Installation
    from openami.app.sealing_keys import SealingKeys

SettingsOption = Annotated[Path, typer.Option("--settings", "-s", help="The configuration file of `openami init`.")]


class Holder(StrEnum):
    """Whose key."""

    AUTHORITY = "authority"
    CUSTODIAN = "custodian"
    GUARD = "guard"
    OPERATIONS = "operations"


HolderArgument = Annotated[
    Holder,
    typer.Argument(
        help="Whose key: the authority's for switching or for changes of keys, the guard's, or that of shipments."
    ),
]


def key(holder: HolderArgument, *, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Make the key of a part, where its settings say, and print its public half (x and y in hexadecimal)."""
    from openami.app.sealing_keys import WRAPPING_LABEL
    from openami.io.keystore.hsm import Hsm
    from openami.protocols.dlms.asymmetric import encode_point

    keys = _open(holder, settings)
    made = encode_point(keys.make_key(_label(holder))).hex()
    _enter(settings, holder.value, f"made a key, public half {made[:16]}…")
    typer.echo(made)
    if holder is Holder.GUARD and isinstance(keys, Hsm):
        keys.make_wrapping_key(WRAPPING_LABEL)


def public(holder: HolderArgument, *, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Print the public half of a key, as the other part's settings want it."""
    from openami.protocols.dlms.asymmetric import encode_point

    typer.echo(encode_point(_open(holder, settings).agreement(_label(holder)).public_key).hex())


def receive(
    file: Annotated[Path, typer.Argument(help="The maker's shipment.")],
    maker: Annotated[Path, typer.Option(help="The maker's public key, PEM.")],
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """Open a maker's shipment and put the new meters' keys into the keystore.

    Keys that can be guessed or that two meters share are refused, and with them the whole shipment.
    """
    from openami.app.installation import Installation
    from openami.io.keystore.meter_keys import MeterKeys
    from openami.io.keystore.shipment import open_shipment

    installation = Installation.load(settings)
    signer = load_pem_public_key(maker.read_bytes())
    if not isinstance(signer, ec.EllipticCurvePublicKey):
        raise SettingError(f"{maker} holds no P-256 key")
    own = _open(Holder.OPERATIONS, settings).agreement(_label(Holder.OPERATIONS))
    meters = open_shipment(file.read_bytes(), signer, own)
    keystore = installation.open_keystore()
    there = dict.fromkeys(keystore.system_titles())
    known = [meter.serial for meter in meters if meter.system_title in there]
    if known:
        raise SettingError(f"the keystore has keys of {', '.join(known[:5])} already: nothing was changed")
    gone = _retired(installation, [meter.system_title for meter in meters])
    if gone:
        raise SettingError(f"{', '.join(gone[:5])} are registered and were retired: nothing was changed")
    _enter(settings, file.name, f"received the keys of {len(meters)} meters")
    keystore.put_many(
        {
            one.system_title: MeterKeys(one.encryption_key, one.authentication_key, master_key=one.master_key)
            for one in meters
        }
    )
    console.print(f"{len(meters)} meters have their keys in the keystore", highlight=False)


def meter(
    system_title: Annotated[str, typer.Argument(help="The meter's system title, 16 hex digits.")],
    out: Annotated[Path, typer.Argument(help="The file for the meter, which must not be there yet.")],
    *,
    feeder: Annotated[str, typer.Option(help="The feeder that it hangs on.")],
    transformer: Annotated[str, typer.Option(help="Its transformer.")],
    power_w: Annotated[int, typer.Option(min=1, help="What it may draw or feed in when it is switched, W.")],
    operator: Annotated[str, typer.Option(help="The network operator whose budget counts.")] = "operator",
    protected: Annotated[bool, typer.Option("--protected", help="It supplies a protected customer.")] = False,
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """At the guard: set up the seals of a meter of the two-seal class and enter its place.

    The file is what goes into the meter (`openami meter --two-seals FILE` plays it); the guard keeps the public half
    and the key that they share. Start the guard again afterwards.
    """
    from openami.app.inner_zones import trusted_authorities
    from openami.app.installation import Installation
    from openami.app.meter_seal_file import make_meter_seal
    from openami.app.places import add_place, envelope_keys, read_places
    from openami.app.sealing_keys import AGREEMENT_LABEL
    from openami.backoffice.guard.network import Place
    from openami.io.keystore.meter_keys import MeterKeys

    installation = Installation.load(settings)
    guard, title = installation.settings.guard, octets("SYSTEM_TITLE", system_title, 8)
    keys, shared = _open(Holder.GUARD, settings), secrets.token_bytes(16)
    if title in read_places(installation.path(guard.places))[0]:
        raise SettingError(f"meter {system_title} has its place already: nothing was changed")
    trusted = trusted_authorities(guard.authority_key, guard.custodian_key)
    _enter(settings, f"meter {system_title}", "set up its seals")
    agreement = make_meter_seal(out, title, shared, keys.agreement(AGREEMENT_LABEL).public_key, trusted)
    envelope_keys(installation, keys).put(title, MeterKeys(bytes(16), shared))
    place = Place(operator, feeder, transformer, power_w, protected=protected)
    add_place(installation, title, place, agreement)
    console.print(f"{out} is for the meter; start the guard again", highlight=False, soft_wrap=True)


def _retired(installation: Installation, titles: list[bytes]) -> list[str]:
    """Meters that the registry knows, though the keystore has forgotten them: their keys do not come back."""
    from openami.backoffice.registry.registry import Registry

    store = installation.open_store()
    try:
        registry = Registry(store)
        found = [registry.meter_by_system_title(title) for title in titles]
    finally:
        store.close()
    return [meter.serial for meter in found if meter is not None]


def _enter(settings: Path, subject: str, what: str) -> None:
    from openami.app.installation import Installation
    from openami.app.records import enter_command
    from openami.backoffice.audit.entry import Kind
    from openami.io.clock import SystemClock

    enter_command(Installation.load(settings), SystemClock(), Kind.KEY, subject, what)


def _open(holder: Holder, settings: Path) -> SealingKeys:
    from openami.app.installation import Installation
    from openami.app.sealing_keys import first_line, open_sealing_keys
    from openami.io.keystore.certificates import write_private
    from openami.io.keystore.key_folder import KeyFolder

    installation = Installation.load(settings)
    if holder is Holder.OPERATIONS:
        passphrase = first_line(installation.path(installation.settings.keystore.passphrase_file))
        return KeyFolder(installation.folder / "shipment-keys", passphrase)
    section = installation.settings.guard if holder is Holder.GUARD else installation.settings.authority
    file = installation.path(section.passphrase_file)
    if not section.keys.startswith("pkcs11:") and not file.exists():
        write_private(file, secrets.token_hex(16).encode() + b"\n")
    return open_sealing_keys(installation, section.keys, section.passphrase_file)


def _label(holder: Holder) -> str:
    from openami.app.sealing_keys import AGREEMENT_LABEL, ROLES

    operator, custodian = (one.label for one in ROLES)
    return {
        Holder.AUTHORITY: operator,
        Holder.CUSTODIAN: custodian,
        Holder.GUARD: AGREEMENT_LABEL,
        Holder.OPERATIONS: "shipments",
    }[holder]
