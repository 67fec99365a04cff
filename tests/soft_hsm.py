"""Tokens of SoftHSM2 for tests. Where it is not installed, what needs it fails and says what to install."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
SO_PIN = "so-pin-of-a-test"
TOKENS = 16


def module() -> Path:
    """The PKCS#11 module."""
    for name in (os.environ.get("OPENAMI_TEST_PKCS11", ""), *MODULES):
        if name and Path(name).is_file():
            return Path(name)
    raise RuntimeError("SoftHSM2 is not installed; on Debian: apt-get install softhsm2")


class SoftHsm:
    """A folder of empty tokens: the module looks for them once in a process, so they are made beforehand."""

    def __init__(self) -> None:
        self.module = module()
        self.folder = Path(tempfile.mkdtemp(prefix="openami-hsm-"))
        tokens = self.folder / "tokens"
        tokens.mkdir()
        configuration = self.folder / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(configuration)
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._names = iter([self._make(number) for number in range(TOKENS)])

    def token(self) -> str:
        """An empty token with a PIN of its own; its URI."""
        name = next(self._names)
        return f"pkcs11:token={name}?module-path={self.module}&pin-source={self.folder / name}.pin"

    def _make(self, number: int) -> str:
        tool = shutil.which("softhsm2-util")
        assert tool, "SoftHSM2 is not installed; on Debian: apt-get install softhsm2"
        name, pin = f"token-{number}", f"pin-of-token-{number}"
        arguments = ["--init-token", "--free", "--label", name, "--so-pin", SO_PIN, "--pin", pin]
        subprocess.run([tool, *arguments], check=True, capture_output=True)
        (self.folder / f"{name}.pin").write_text(pin + "\n")
        return name


_HSM: list[SoftHsm] = []


def soft_hsm() -> SoftHsm:
    """The tokens of this process."""
    if not _HSM:
        _HSM.append(SoftHsm())
    return _HSM[0]
