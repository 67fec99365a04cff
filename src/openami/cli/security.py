"""`openami security`: transfer or agree keys with a meter, and bring it certificates (SecuritySetup)."""

from __future__ import annotations

import asyncio
import os
import secrets
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from openami.cli.hexadecimal import octets
from openami.cli.output import console
from openami.cli.session import SessionOptions, open_session
from openami.cli.session_options import reaching_a_meter
from openami.cli.written import code_of
from openami.io.clock import SystemClock
from openami.io.links.procedure import perform
from openami.model.errors import SettingError
from openami.protocols.dlms.cosem.security_setup import CertificateEntity, CertificateType, KeyId
from openami.protocols.dlms.key_exchange import (
    AgreementPlan,
    agree_keys,
    export_certificate,
    import_certificate,
    key_of,
    remove_certificate,
    request_certificate,
    transfer_keys,
    with_key,
)
from openami.protocols.dlms.procedure import Procedure
from openami.protocols.dlms.security import SYSTEM_TITLE_SIZE, Secret, SecurityKeys


class KeyName(StrEnum):
    """Which of a meter's symmetric keys."""

    ENCRYPTION = "encryption"
    AUTHENTICATION = "authentication"
    BROADCAST = "broadcast"
    MASTER = "master"


class PairName(StrEnum):
    """What a pair of keys is for."""

    SIGNING = "signing"
    AGREEMENT = "agreement"
    TLS = "tls"


class Holder(StrEnum):
    """Whom a certificate is about."""

    METER = "meter"
    CLIENT = "client"
    AUTHORITY = "authority"


_IDS: Final = {
    KeyName.ENCRYPTION: KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY,
    KeyName.AUTHENTICATION: KeyId.AUTHENTICATION_KEY,
    KeyName.BROADCAST: KeyId.GLOBAL_BROADCAST_ENCRYPTION_KEY,
    KeyName.MASTER: KeyId.MASTER_KEY,
}
_KINDS: Final = {
    PairName.SIGNING: CertificateType.DIGITAL_SIGNATURE,
    PairName.AGREEMENT: CertificateType.KEY_AGREEMENT,
    PairName.TLS: CertificateType.TLS,
}
_ENTITIES: Final = {
    Holder.METER: CertificateEntity.SERVER,
    Holder.CLIENT: CertificateEntity.CLIENT,
    Holder.AUTHORITY: CertificateEntity.CERTIFICATION_AUTHORITY,
}
_OUT_HELP: Final = "New folder for the new keys: they are there before the meter may use them."
_SETUP_HELP: Final = "Logical name of the SecuritySetup object: 0-0:43.0.0*255 unless the client has one of its own."
NamesArgument = Annotated[list[KeyName], typer.Argument(help="Which keys: encryption, authentication, ….")]
SetupOption = Annotated[str, typer.Option(help=_SETUP_HELP)]
DEFAULT_SETUP: Final = "0-0:43.0.0*255"


@reaching_a_meter
def transfer(
    options: SessionOptions,
    names: NamesArgument,
    *,
    out: Annotated[Path, typer.Option(help=_OUT_HELP)],
    setup: SetupOption = DEFAULT_SETUP,
) -> None:
    """Make fresh keys, send them to a meter wrapped under its master key, and associate with them.

    Should the last step fail, the meter still takes the former keys: one of both is right.
    """
    keys = _present(options)
    new = keys
    for name in names:
        new = with_key(new, _IDS[name], secrets.token_bytes(keys.suite.key_size))
    asyncio.run(_renew(options, transfer_keys(keys, new, code_of(setup)), names, out))


@reaching_a_meter
def agree(
    options: SessionOptions,
    names: NamesArgument,
    *,
    out: Annotated[Path, typer.Option(help=_OUT_HELP)],
    setup: SetupOption = DEFAULT_SETUP,
) -> None:
    """Agree on new keys with a meter, C(2e, 0s), and associate with them; no master key is needed.

    Suite 1 or 2, --signing-key and --meter-signing-certificate; the meter must hold our signing certificate.
    """
    settings = options.settings()
    if settings.asymmetric is None or options.meter_system_title is None:
        raise SettingError("agree needs --signing-key, --meter-signing-certificate and --meter-system-title")
    plan = AgreementPlan(
        _present(options),
        settings.asymmetric,
        settings.system_title,
        octets("--meter-system-title", options.meter_system_title, SYSTEM_TITLE_SIZE),
        secrets.token_bytes,
        code_of(setup),
    )
    asyncio.run(_renew(options, agree_keys(plan, [_IDS[name] for name in names]), names, out))


@reaching_a_meter
def request(
    options: SessionOptions,
    pair: Annotated[PairName, typer.Argument(help="What the pair is for.")],
    *,
    out: Annotated[Path, typer.Option(help="File for the request (PKCS#10, DER), which an authority answers.")],
    setup: SetupOption = DEFAULT_SETUP,
) -> None:
    """Let a meter make a key pair, and take its request for a certificate."""
    der = asyncio.run(_performed(options, request_certificate(_KINDS[pair], code_of(setup))))
    out.write_bytes(der)
    console.print(f"{out}: {len(der)} bytes", highlight=False)


@reaching_a_meter
def import_(
    options: SessionOptions,
    certificate: Annotated[Path, typer.Argument(help="File of the certificate (DER).")],
    *,
    setup: SetupOption = DEFAULT_SETUP,
) -> None:
    """Bring a certificate into a meter: of its own pair, of a client, of an authority."""
    asyncio.run(_performed(options, import_certificate(certificate.read_bytes(), code_of(setup))))
    console.print(f"the meter holds {certificate}", highlight=False)


@reaching_a_meter
def export(
    options: SessionOptions,
    holder: Annotated[Holder, typer.Argument(help="Whom the certificate is about.")],
    pair: Annotated[PairName, typer.Argument(help="What its key is for.")],
    title: Annotated[str, typer.Argument(help="System title in hexadecimal, empty for an authority.")],
    *,
    out: Annotated[Path, typer.Option(help="File for the certificate (DER).")],
    setup: SetupOption = DEFAULT_SETUP,
) -> None:
    """Take a certificate that a meter holds."""
    wanted = export_certificate(_ENTITIES[holder], _KINDS[pair], _title(title), code_of(setup))
    out.write_bytes(asyncio.run(_performed(options, wanted)))
    console.print(f"{out} written", highlight=False)


@reaching_a_meter
def remove(
    options: SessionOptions,
    holder: Annotated[Holder, typer.Argument(help="Whom the certificate is about.")],
    pair: Annotated[PairName, typer.Argument(help="What its key is for.")],
    title: Annotated[str, typer.Argument(help="System title in hexadecimal, empty for an authority.")],
    *,
    setup: SetupOption = DEFAULT_SETUP,
) -> None:
    """Let a meter forget a certificate."""
    unwanted = remove_certificate(_ENTITIES[holder], _KINDS[pair], _title(title), code_of(setup))
    asyncio.run(_performed(options, unwanted))
    console.print("the meter has forgotten it", highlight=False)


def _title(text: str) -> bytes:
    return octets("TITLE", text, 0, SYSTEM_TITLE_SIZE)


async def _performed(options: SessionOptions, procedure: Procedure[bytes] | Procedure[None]) -> bytes:
    async with open_session(options) as client:
        return await perform(client, procedure, SystemClock()) or b""


async def _renew(
    options: SessionOptions, procedure: Procedure[SecurityKeys], names: list[KeyName], folder: Path
) -> None:
    def keep(keys: SecurityKeys) -> None:
        _write(keys, names, folder)

    async with open_session(options) as client:
        new = await perform(client, procedure, SystemClock(), keep=keep)
    renewed = replace(
        options,
        encryption_key=Secret(new.global_unicast_encryption_key),
        authentication_key=Secret(new.authentication_key),
        master_key=None if new.master_key is None else Secret(new.master_key),
    )
    async with open_session(renewed):
        console.print(f"the meter uses the keys in {folder}: {', '.join(names)}", highlight=False)


def _present(options: SessionOptions) -> SecurityKeys:
    keys = options.settings().keys
    if keys is None:
        raise SettingError("keys are changed in a ciphered association: --authentication hls5 and both keys")
    return keys


def _write(keys: SecurityKeys, names: list[KeyName], folder: Path) -> None:
    """One file for each new key, in hexadecimal as `--encryption-key @FILE` takes it; on the disk when this returns."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError as error:
        raise SettingError(f"--out {folder} is there already; keys are never written over others") from error
    for name in names:
        descriptor = os.open(folder / f"{name}.hex", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write((key_of(keys, _IDS[name]) or b"").hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    for place in (folder, folder.parent):
        descriptor = os.open(place, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
