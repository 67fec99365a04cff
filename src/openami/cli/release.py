"""`openami release`: releases that are signed, locked and checked before they are installed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openami import __version__
from openami.cli.key_files import ed25519_key
from openami.cli.output import JsonOption, console, print_rows
from openami.model.errors import SettingError

LockArgument = Annotated[Path, typer.Argument(help="The lock: `requirements.txt` of a release.")]


def make(
    wheel: Annotated[Path, typer.Argument(help="The built wheel of openami.")],
    *,
    lock: Annotated[Path, typer.Option(help="The lock of the libraries, with hashes.")],
    out: Annotated[Path, typer.Option(help="The folder that becomes the release.")],
    key: Annotated[Path, typer.Option(help="File of the Ed25519 key that signs, PEM; made if it is not there.")],
) -> None:
    """Make a release of a wheel and the lock of its libraries, with a bill of materials, and sign it.

    Wheels of the libraries that lie in `wheels` of the folder already become part of it.
    """
    from openami.app.release.release import make_release

    today = datetime.now(UTC).date().isoformat()
    made = make_release(out, wheel, lock.read_text(), today, ed25519_key(key))
    console.print(f"release {made.version} of {made.day}: {len(made.files)} files are signed", highlight=False)


def check(
    folder: Annotated[Path, typer.Argument(help="The release.")],
    *,
    key: Annotated[str, typer.Option(help="Public key of whoever signs releases, hexadecimal, from elsewhere.")],
) -> None:
    """Say whether a release is whole, signed, locked, and no older than what runs this command.

    Exit status 1 with the reason if not: then install nothing of it.
    """
    from openami.app.release.release import check_release

    try:
        signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError as error:
        raise SettingError("--key is no Ed25519 public key in hexadecimal (64 digits)") from error
    found = check_release(folder, signer, __version__)
    console.print(
        f"release {found.version} of {found.day}: {len(found.files)} files as they were signed", highlight=False
    )


def installed(lock: LockArgument, *, as_json: JsonOption = False) -> int:
    """Compare what is installed here with a lock; exit status 1 if there is a difference."""
    from openami.app.release.bill_of_materials import differences
    from openami.app.release.bill_of_materials import installed as found
    from openami.app.release.lock_file import read_lock

    different = differences(read_lock(lock.read_text()), found())
    print_rows("Differences from the lock", ("Difference",), [(one,) for one in different], as_json=as_json)
    return int(bool(different))


def advisories(
    lock: LockArgument,
    folder: Annotated[Path, typer.Argument(help="Folder of advisories in the OSV format, fetched within a day.")],
    *,
    as_json: JsonOption = False,
) -> int:
    """Look for locked libraries with a known hole; exit status 1 if there is one, or if the advisories are old."""
    from openami.app.release.advisories import check_fresh, known_holes, read_advisories
    from openami.app.release.lock_file import read_lock

    known = read_advisories(folder)
    check_fresh(known, datetime.now(UTC))
    holes = known_holes(read_lock(lock.read_text()), known)
    rows = [(one.name, one.version, advisory.id, advisory.summary) for one, advisory in holes]
    print_rows("Known holes", ("Library", "Version", "Advisory", "Summary"), rows, as_json=as_json)
    return int(bool(holes))
