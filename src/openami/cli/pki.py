"""`openami pki`: the offline root, the authorities under it, and the certificates that they sign and call back."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from openami.app.records import enter_beside
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.audit.entry import Kind
from openami.cli.hexadecimal import octets
from openami.cli.output import JsonOption, console, print_rows
from openami.cli.seal_keys import SettingsOption, key, meter, public, receive
from openami.io.clock import SystemClock
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request
from openami.io.keystore.certificates import Purpose
from openami.io.keystore.root_authority import RootAuthority
from openami.model.errors import SettingError
from openami.protocols.dlms.security import SYSTEM_TITLE_SIZE

FolderOption = Annotated[Path, typer.Option("--folder", help="Folder of the authority.")]
PurposeOption = Annotated[
    Purpose, typer.Option("--for", help="What the authority signs: 90 days for services, 10 years for devices.")
]
PassphraseOption = Annotated[Path, typer.Option("--passphrase", help="File whose first line opens the root's key.")]
FileArgument = Annotated[Path, typer.Argument(help="The file that holds private key and certificate, PEM.")]
SERVICES = Path("services")
__all__ = (
    "adopt",
    "certify",
    "deny",
    "expiring",
    "install",
    "key",
    "meter",
    "public",
    "receive",
    "renew",
    "request",
    "root",
    "sign",
    "subordinate",
)


def root(*, folder: FolderOption = Path("root"), passphrase: PassphraseOption = Path("root.passphrase")) -> None:
    """Make the root, on a machine without a network. Its certificate is what everybody may check authorities with."""
    made = RootAuthority(folder)
    made.make(_first_line(passphrase), datetime.now(UTC))
    _enter(folder, Kind.KEY, "root", "made the root's key", made.certificate.read_bytes())
    console.print(f"{made.certificate} is the root", highlight=False)


def subordinate(*, folder: FolderOption = SERVICES, purpose: PurposeOption = Purpose.SERVICE) -> None:
    """Make the key of an authority under the root and print the request that is carried there."""
    asked = CertificateAuthority(folder, purpose).request()
    _enter(folder, Kind.KEY, f"authority for {purpose.value}", "made its key", asked)
    typer.echo(asked.decode(), nl=False)


def certify(
    file: Annotated[Path, typer.Argument(help="The authority's request, PEM.")],
    *,
    folder: FolderOption = Path("root"),
    purpose: PurposeOption = Purpose.SERVICE,
    passphrase: PassphraseOption = Path("root.passphrase"),
) -> None:
    """With the root: sign an authority's request and print its certificate."""
    now = datetime.now(UTC)
    signed = RootAuthority(folder).sign_authority(file.read_bytes(), purpose, _first_line(passphrase), now)
    _enter(folder, Kind.CERTIFICATE, f"authority for {purpose.value}", "signed its certificate", signed)
    typer.echo(signed.decode(), nl=False)


def adopt(
    file: Annotated[Path, typer.Argument(help="The authority's certificate that the root has signed, PEM.")],
    root_certificate: Annotated[Path, typer.Argument(help="The root's certificate, PEM.")],
    *,
    folder: FolderOption = SERVICES,
    purpose: PurposeOption = Purpose.SERVICE,
) -> None:
    """Use an authority from now on, once its certificate came back from the root."""
    authority = CertificateAuthority(folder, purpose)
    authority.install(file.read_bytes(), root_certificate.read_bytes(), datetime.now(UTC))
    _enter(folder, Kind.CERTIFICATE, f"authority for {purpose.value}", "took its certificate in use", file.read_bytes())
    console.print(f"{authority.certificate} is in use", highlight=False)


def request(file: FileArgument, *, name: Annotated[str, typer.Option(help="For whom the certificate is.")]) -> None:
    """Where a certificate is needed: make a new key, which stays there, and print the request."""
    typer.echo(make_request(file, name).decode(), nl=False)


def sign(
    file: Annotated[Path, typer.Argument(help="The request, PEM.")],
    name: Annotated[str, typer.Option(help="For whom it is, checked by a person: a collector, a host name, a meter.")],
    unit: Annotated[str, typer.Option(help="The neighbourhood that a collector shares with others.")] = "",
    *,
    folder: FolderOption = SERVICES,
    purpose: PurposeOption = Purpose.SERVICE,
    server: Annotated[bool, typer.Option("--server", help="It listens under its name; otherwise it calls.")] = False,
    system_title: Annotated[str, typer.Option(help="The meter's system title, 16 hex digits.")] = "",
    days: Annotated[int, typer.Option(min=0, max=3650, help="How long; 0: as long as its kind may.")] = 0,
) -> None:
    """Sign a request and print the certificate. An authority that stands by itself is made when there is none."""
    authority, now = CertificateAuthority(folder, purpose), datetime.now(UTC)
    authority.make(now)
    title = octets("--system-title", system_title, 0, SYSTEM_TITLE_SIZE)
    signed = authority.sign(file.read_bytes(), name, unit, now, server=server, system_title=title, days=days)
    _enter(folder, Kind.CERTIFICATE, name, "signed a certificate", signed)
    typer.echo(signed.decode(), nl=False)


def install(file: FileArgument, certificate: Annotated[Path, typer.Argument(help="The certificate, PEM.")]) -> None:
    """Where the key was made: use the certificate from the next connection on, with the key that was made for it."""
    install_certificate(file, certificate.read_bytes())
    console.print(f"{file} is in use from the next connection on", highlight=False)


def deny(
    file: Annotated[Path, typer.Argument(help="The certificate that is called back, PEM.")],
    *,
    folder: FolderOption = SERVICES,
) -> None:
    """Call a certificate back. The head-end looks at the list each minute."""
    authority = CertificateAuthority(folder)
    serial = authority.deny(file.read_bytes(), datetime.now(UTC))
    _enter(folder, Kind.CERTIFICATE, f"serial number {serial:x}", "called a certificate back", file.read_bytes())
    console.print(f"{serial:x} is called back in {authority.deny_list}", highlight=False)


def expiring(
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> int:
    """Show when the certificates of an installation end. Exit status 1 if one does within 30 days."""
    from openami.app.expiry import endings
    from openami.app.installation import Installation

    installation = Installation.load(settings)
    found = endings(installation, datetime.now(UTC))
    rows = [(str(one.file.relative_to(installation.folder)), one.days) for one in found]
    print_rows("Certificates", ("file", "days left"), rows, as_json=as_json)
    return int(any(one.stage is not None for one in found))


def renew(*, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Make new keys and certificates for pages and zones, 90 days, where the zones' authority and its key are.

    Carry them to where they belong; a part uses them from its next start on.
    """
    from openami.app.installation import Installation, renew_certificates
    from openami.app.records import enter_command

    installation = Installation.load(settings)
    enter_command(installation, SystemClock(), Kind.CERTIFICATE, installation.settings.portal.name, "renewed")
    renew_certificates(installation)
    console.print("renewed; each part uses its own from its next start on", highlight=False)


def _enter(folder: Path, kind: Kind, subject: str, what: str, about: bytes) -> None:
    """In the authority's own log, before anybody gets what was made."""
    enter_beside(folder, SystemClock(), kind, subject, what, sha256(about).digest())


def _first_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0]:
        raise SettingError(f"{file}: its first line must be the passphrase")
    return lines[0]
