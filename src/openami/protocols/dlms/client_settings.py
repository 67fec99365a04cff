"""How a client associates with one server: addresses, proof, protection, limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from openami.model.errors import SettingError
from openami.protocols.dlms.acse import ApplicationContextName
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.conformance import CLIENT_CONFORMANCE, SHORT_NAME_CONFORMANCE, Conformance
from openami.protocols.dlms.counters import transactions_name
from openami.protocols.dlms.general_ciphering import KeyChoice
from openami.protocols.dlms.hls_proof import HlsCredentials, HlsFunction
from openami.protocols.dlms.policy import SecurityPolicy, same_both_ways
from openami.protocols.dlms.security import Secret, SecurityControl, SecurityKeys

PROTECTED: Final = SecurityControl.AUTHENTICATED_ENCRYPTION


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One client's way to one server.

    `system_title` is ours; `server_system_title` pins the meter, and every other one is refused (None takes the one
    that AARE claims, which the keys then prove). `protection` applies to both directions whenever `keys` are set;
    `SecurityControl.NONE` with keys proves both sides by HLS 5 and sends APDUs plainly.
    `counter_name` names our send counter in the store; it must be the same for every use of the same keys under
    the same `system_title`.
    """

    client_sap: int = 16
    server_sap: int = 1
    authentication: Authentication = Authentication.NONE
    password: Secret | None = None
    keys: SecurityKeys | None = None
    system_title: bytes = b""
    server_system_title: bytes | None = None
    protection: SecurityControl = PROTECTED
    use_general_glo: bool = False
    use_dedicated_key: bool = False
    short_names: bool = False
    """Short name referencing: `Read` and `Write` take the place of GET, SET and ACTION."""
    counter_jump_max: int = 1000
    """How far one session follows a server that says, unauthenticated, that it expects a higher invocation counter."""
    conformance: Conformance = CLIENT_CONFORMANCE
    """The services that are proposed; a request that takes one to which the server does not agree is not sent."""
    challenge_size: int = 16
    max_receive_pdu_size: int = 65535
    response_timeout_s: float = 10.0
    refusal_grace_s: float = 2.0
    """How long to go on waiting for the genuine answer after one was refused; then the refusal is the result."""
    block_window: int = 6
    """How many blocks of general block transfer are taken in one stream, 1 to 63. Propose it by `conformance`."""
    block_timeout_s: float = 3.0
    """When blocks or their acknowledgement are asked for again, within `response_timeout_s` of the last progress."""
    response_bytes_max: int = 1 << 22
    """The longest answer in blocks that is collected."""
    counter_name: str = field(default="")
    hls_secret: Secret | None = None
    hls_function: HlsFunction | None = field(default=None, repr=False)
    asymmetric: AsymmetricKeys | None = None
    key_choice: KeyChoice | None = None
    """Everything but Initiate travels in general-ciphering, with its key chosen in this way."""
    policy: SecurityPolicy | None = None
    """What each direction needs, signatures too; takes the place of `protection`."""
    weak_hashes_allowed: bool = False
    """HLS 3 (MD5) and HLS 4 (SHA-1) are refused as a setting unless this is set."""

    def __post_init__(self) -> None:
        if self.authentication is Authentication.LLS and self.password is None:
            raise SettingError("password is not set, and authentication LLS needs it")
        if self.authentication.high:
            self.hls_credentials()
        if (self.keys is not None or self.authentication.needs_system_titles) and len(self.system_title) != 8:
            size = len(self.system_title)
            raise SettingError(f"system_title has {size} bytes; with keys and from HLS 5 on it must have 8")
        if self.security_policy.signed and self.asymmetric is None:
            raise SettingError("asymmetric keys are not set, and the security policy asks for signatures")
        if self.server_system_title is not None and len(self.server_system_title) != 8:
            raise SettingError(f"server_system_title has {len(self.server_system_title)} bytes, must be 8")
        if not 8 <= self.challenge_size <= 64:
            raise SettingError(f"challenge_size is {self.challenge_size}, must be 8 to 64 bytes")
        if not 1 <= self.block_window <= 63:
            raise SettingError(f"block_window is {self.block_window}, must be 1 to 63 blocks")
        if not 0 <= self.max_receive_pdu_size <= 65535:
            raise SettingError(f"max_receive_pdu_size is {self.max_receive_pdu_size}, must be 0 to 65535")

    def hls_credentials(self) -> HlsCredentials:
        """What the client proves itself with, and judges the server by; `SettingError` if something is missing."""
        return HlsCredentials(
            self.authentication,
            self.keys,
            self.hls_secret,
            self.hls_function,
            self.asymmetric,
            self.weak_hashes_allowed,
        )

    @property
    def ciphered(self) -> bool:
        """Whether APDUs of the association are protected."""
        return self.keys is not None and self.security_policy.protects

    @property
    def security_policy(self) -> SecurityPolicy:
        """The least protection in each direction."""
        return self.policy or same_both_ways(self.protection)

    @property
    def application_context(self) -> ApplicationContextName:
        """Logical or short name referencing, with or without ciphering."""
        base = 1 if self.short_names else 0
        return ApplicationContextName(1 + base + (2 if self.ciphered else 0))

    @property
    def proposed_conformance(self) -> Conformance:
        """`conformance`, or with short names the services that there are."""
        return SHORT_NAME_CONFORMANCE if self.short_names else self.conformance

    @property
    def send_counter_name(self) -> str:
        """The name of our send counter: `counter_name`, or one made of both system titles."""
        peer = self.server_system_title.hex() if self.server_system_title else "any"
        return self.counter_name or f"dlms/{self.system_title.hex()}/{peer}/sent"

    @property
    def window_name(self) -> str:
        """The name under which the last accepted counter of the server is kept."""
        peer = self.server_system_title.hex() if self.server_system_title else "any"
        return f"dlms/{self.system_title.hex()}/{peer}/received"

    @property
    def transactions_name(self) -> str:
        """The name under which the last accepted transaction-id of the server is kept."""
        return transactions_name(self.window_name)
