"""One installation: a folder with a configuration file, keys, certificates and a store."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from openami.app.settings import SETTINGS_FILE, Settings, load_settings, write_settings
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.tls import Certificate, issue, make_authority
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.portal.accounts import Accounts, Role

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Installation:
    """`folder` holds the configuration file; paths in the settings are relative to it."""

    folder: Path
    settings: Settings

    @classmethod
    def load(cls, file: Path) -> Installation:
        """The installation whose configuration file is `file`; raises `SettingError`."""
        return cls(file.resolve().parent, load_settings(file))

    def path(self, text: str) -> Path:
        """A path of the settings as a path of this machine."""
        return self.folder / text

    def open_store(self) -> Store:
        """The store; raises `SchemaTooOld` or `SchemaTooNew` if it was made by another version."""
        store = self.find_store()
        store.check()
        return store

    def find_store(self) -> Store:
        """The store, whatever its version."""
        return Store(self.store_url())

    def open_keystore(self) -> FileKeystore:
        """The keystore; raises `KeystoreLocked` or `SettingError`."""
        return self._keystore(self.settings.keystore.path)

    def open_pending_keys(self) -> FileKeystore:
        """The keys that meters are not known to use yet; raises `KeystoreLocked` or `SettingError`."""
        return self._keystore(self.settings.keystore.pending)

    def _keystore(self, file: str) -> FileKeystore:
        return FileKeystore(self.path(file), self._passphrase(), disk=SystemDisk(), random=secrets.token_bytes)

    def open_counters(self) -> CounterFile:
        """The journal of invocation counters; one process at a time."""
        return CounterFile(self.path(self.settings.keystore.counters), disk=SystemDisk())

    def headend_certificate(self) -> Certificate:
        """What the head-end shows to the back office."""
        zones = self.settings.zones
        return Certificate(
            self.path(zones.headend_certificate), self.path(zones.headend_key), self.path(zones.authority)
        )

    def operations_certificate(self) -> Certificate:
        """What the back office shows to the head-end."""
        zones = self.settings.zones
        return Certificate(
            self.path(zones.operations_certificate), self.path(zones.operations_key), self.path(zones.authority)
        )

    def portal_certificate(self) -> Certificate:
        """What pages that are a process of their own show to the inner parts."""
        file = self.path(self.settings.portal.zone_certificate)
        return Certificate(file, file, self.path(self.settings.zones.authority))

    def make_store(self) -> Store:
        """Make the store, or bring it to this version's schema."""
        store = Store(self.store_url())
        store.upgrade()
        return store

    def store_url(self) -> str:
        """The database's address, with the whole path of a file."""
        url = self.settings.store.url
        scheme, separator, name = url.partition(":///")
        if scheme == "sqlite" and separator and not name.startswith("/"):
            return f"{scheme}:///{self.folder / name}"
        return url

    def _passphrase(self) -> str:
        file = self.path(self.settings.keystore.passphrase_file)
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise SettingError(f"keystore.passphrase_file {file}: {error.strerror}") from error
        if not lines or not lines[0]:
            raise SettingError(f"keystore.passphrase_file {file}: its first line must be the passphrase")
        return lines[0]


def install(folder: Path, settings: Settings) -> tuple[Installation, str]:
    """Make an installation in `folder` and give it with the operator's first password.

    Raises `SettingError` if one is there already: nothing is ever overwritten.
    """
    file = folder / SETTINGS_FILE
    if file.exists():
        raise SettingError(f"{file} is there already; nothing was changed")
    folder.mkdir(parents=True, exist_ok=True)
    made = Installation(folder.resolve(), settings)
    _write_private(made.path(settings.keystore.passphrase_file), _random_words() + "\n")
    _issue_certificates(made)
    store = made.make_store()
    password = _random_words()
    Accounts(store, secrets.token_bytes).add(OPERATOR, password, Role.OPERATOR)
    store.close()
    file.write_text(write_settings(settings), encoding="utf-8")
    return made, password


def _issue_certificates(made: Installation) -> None:
    """The authority signs for the portal's name and below it: for the portal and for both sides of the zone border."""
    file = made.path(made.settings.zones.authority)
    authority = make_authority(file.parent, datetime.now(UTC), names=(made.settings.portal.name,))
    issue_certificates(made, authority)


def renew_certificates(made: Installation) -> None:
    """New keys and certificates for the portal and the zones, under the authority that is there; raises `SettingError`.

    Who runs uses them from its next start on.
    """
    file = made.path(made.settings.zones.authority)
    issue_certificates(made, Certificate(file, file.with_suffix(".key"), file))


def issue_certificates(made: Installation, authority: Certificate) -> None:
    """For the portal, both sides of the zones' border, and the inner parts; those that are there are replaced."""
    settings, now = made.settings, datetime.now(UTC)
    name = settings.portal.name
    inner = (
        ("authority", settings.authority.certificate, True),
        ("guard", settings.guard.certificate, True),
        ("witness", settings.witness.certificate, True),
        ("operations", settings.operations.certificate, True),
        ("portal", settings.portal.zone_certificate, False),
    )
    wanted = (
        (name, True, settings.portal.certificate, settings.portal.key),
        (f"headend.{name}", True, settings.zones.headend_certificate, settings.zones.headend_key),
        (f"operations.{name}", False, settings.zones.operations_certificate, settings.zones.operations_key),
    )
    for host, server, certificate, key in wanted:
        target = made.path(certificate)
        issued = issue(authority, target.parent, host, now, server=server)
        issued.certificate.replace(target)
        issued.key.replace(made.path(key))
    for host, certificate, server in inner:
        file = made.path(certificate)
        issued = issue(authority, file.parent, f"{host}.{name}", now, server=server)
        with issued.key.open("ab") as both:
            both.write(issued.certificate.read_bytes())
        issued.key.replace(file)
        issued.certificate.unlink()


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _random_words() -> str:
    return base64.b32encode(secrets.token_bytes(15)).decode("ascii").lower()
