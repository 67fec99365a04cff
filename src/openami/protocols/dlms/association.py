"""What the client's and the server's side of an application association share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.conformance import SERVER_CONFORMANCE, Conformance
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.hls_proof import HlsCredentials, HlsFunction
from openami.protocols.dlms.policy import SecurityPolicy, same_both_ways
from openami.protocols.dlms.security import Secret, SecurityControl, SecurityKeys

PASS_3: Final = CosemMethodDescriptor(15, ObisCode(0, 0, 40, 0, 0, 255), 1)
"""reply_to_HLS_authentication of the current AssociationLN: how the third pass of HLS travels."""


@dataclass(frozen=True, slots=True)
class AssociationSettings:
    """How one client (by its SAP) may associate with a server.

    `protection` is the least protection of its APDUs in both directions. `client_system_title` pins the client;
    without it any title is taken from AARQ, and the keys alone prove who it is. `access_rights` is whatever the
    logical device understands; the association core only carries it.
    """

    authentication: Authentication = Authentication.NONE
    password: Secret | None = None
    keys: SecurityKeys | None = None
    protection: SecurityControl = SecurityControl.NONE
    client_system_title: bytes | None = None
    access_rights: object | None = None
    conformance: Conformance = SERVER_CONFORMANCE
    """The services that the client may have if it proposes them; any other one is refused."""
    hls_secret: Secret | None = None
    hls_function: HlsFunction | None = field(default=None, repr=False)
    asymmetric: AsymmetricKeys | None = None
    policy: SecurityPolicy | None = None
    """What each direction needs, signatures too; takes the place of `protection`."""
    weak_hashes_allowed: bool = False
    """HLS 3 (MD5) and HLS 4 (SHA-1) are refused as a setting unless this is set."""
    former: AssociationSettings | None = field(default=None, repr=False)
    """How the client could associate before its keys were changed: good until it has used the new ones."""

    def __post_init__(self) -> None:
        if self.authentication is Authentication.LLS and self.password is None:
            raise SettingError("password is not set, and authentication LLS needs it")
        if self.security_policy.protects and self.keys is None:
            raise SettingError("keys are not set, and any protection needs them")
        if self.security_policy.signed and self.asymmetric is None:
            raise SettingError("asymmetric keys are not set, and the security policy asks for signatures")
        if self.authentication.high:
            self.hls_credentials()
        if self.client_system_title is not None and len(self.client_system_title) != 8:
            raise SettingError(f"client_system_title has {len(self.client_system_title)} bytes, must be 8")

    @property
    def security_policy(self) -> SecurityPolicy:
        """The least protection in each direction."""
        return self.policy or same_both_ways(self.protection)

    def hls_credentials(self) -> HlsCredentials:
        """What the server proves itself with, and judges the client by; `SettingError` if something is missing."""
        return HlsCredentials(
            self.authentication,
            self.keys,
            self.hls_secret,
            self.hls_function,
            self.asymmetric,
            self.weak_hashes_allowed,
        )


@dataclass(slots=True)
class Association:
    """A live association as the logical device sees it: who asks, proven how, with which rights."""

    client_sap: int
    server_sap: int
    settings: AssociationSettings
    client_system_title: bytes | None = None
    established: bool = False
    """False until the client has proven itself; until then nothing but HLS pass 3 is passed on."""
    conformance: int = 0
    short_names: bool = False
    """Whether the client refers to objects by short names."""
    client_max_receive_pdu_size: int = 0
    protection: int = 0
    """What APDUs of this association are protected with: the settings' least, or more if the client began with more."""

    @property
    def authentication(self) -> Authentication:
        """How the client has proven itself."""
        return self.settings.authentication
