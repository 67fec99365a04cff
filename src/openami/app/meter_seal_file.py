"""What a meter of the two-seal class gets when its seals are set up, in a file that only its owner reads.

It stands for what a maker puts into the meter: the meter's own agreement key, the key that it shares with the guard,
and the public keys of the guard and of the authority.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from openami.app.sealing_keys import GUARD_TITLE, ROLES
from openami.io.keystore.certificates import write_private
from openami.model.errors import SettingError
from openami.protocols.dlms.asymmetric import PublicKey, decode_point, encode_point
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.keys import Authority, SoftwareAgreement
from openami.protocols.seal.opening import MeterSeal


class _Contents(msgspec.Struct, frozen=True):
    """All in hexadecimal; `authorities` are points by the label of their role."""

    system_title: str
    agreement: str
    authentication_key: str
    guard: str
    authorities: dict[str, str]

    def __repr__(self) -> str:
        return f"seals of meter {self.system_title}"


def make_meter_seal(
    path: Path,
    system_title: bytes,
    authentication_key: bytes,
    guard: PublicKey,
    authorities: Mapping[bytes, Authority],
) -> PublicKey:
    """Write the file with a fresh agreement key; its public half, for the guard. Raises `FileExistsError`."""
    own = ec.generate_private_key(ec.SECP256R1())
    points = {
        one.label: encode_point(authorities[one.title].public_key).hex() for one in ROLES if one.title in authorities
    }
    secret = f"{own.private_numbers().private_value:064x}"
    contents = _Contents(system_title.hex(), secret, authentication_key.hex(), encode_point(guard).hex(), points)
    write_private(path, msgspec.json.encode(contents))
    return own.public_key()


def read_meter_seal(path: Path) -> MeterSeal:
    """The seal in a file; raises `SettingError` that names the file and never what stands in it."""
    try:
        contents = msgspec.json.decode(path.read_bytes(), type=_Contents)
        own = ec.derive_private_key(int(contents.agreement, 16), ec.SECP256R1())
        authorities = {
            one.title: Authority(one.title, one.role, _point(contents.authorities[one.label]))
            for one in ROLES
            if one.label in contents.authorities
        }
        return MeterSeal(
            bytes.fromhex(contents.system_title),
            SoftwareAgreement(own),
            bytes.fromhex(contents.authentication_key),
            GUARD_TITLE,
            _point(contents.guard),
            authorities,
        )
    except (OSError, ValueError, msgspec.MsgspecError):
        raise SettingError(f"{path}: this is no file of a meter's seals that can be read") from None


def _point(text: str) -> PublicKey:
    return decode_point(bytes.fromhex(text), SecuritySuite.SUITE_1)
