"""Which SecuritySetup is whose: the shared one, and one of its own for each client that has keys of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from openami.field.meter import codes
from openami.field.meter.access import Client
from openami.field.meter.security_state import SecurityState
from openami.protocols.dlms.association import Association, AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.security import Secret

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


class MeterSecurity:
    """`shared` is the SecuritySetup of all clients but those that `own` has by their SAP."""

    __slots__ = ("own", "shared")

    def __init__(self, meter: ElectricityMeter) -> None:
        config = meter.config
        self.shared = SecurityState(meter, codes.SECURITY_SETUP, config.role)
        self.own = {sap: SecurityState(meter, codes.own_setup(sap), role) for sap, role in config.roles.items()}

    def __iter__(self) -> Iterator[SecurityState]:
        yield self.shared
        yield from self.own.values()

    def of(self, client_sap: int) -> SecurityState:
        """The SecuritySetup that holds the keys of a client."""
        return self.own.get(client_sap, self.shared)

    def proven(self, association: Association) -> None:
        """A client has talked in `association`."""
        if association.settings.keys is not None:
            self.of(association.client_sap).proven(association)


class Associations(Mapping[int, AssociationSettings]):
    """How each of a meter's clients may associate at the moment of the question."""

    __slots__ = ("_clients", "_plain", "_security")

    def __init__(self, meter: ElectricityMeter, clients: Mapping[int, Client], password: Secret | None = None) -> None:
        self._security = meter.security
        self._clients = clients
        self._plain = {Authentication.NONE: AssociationSettings()}
        if password is not None:
            self._plain[Authentication.LLS] = AssociationSettings(Authentication.LLS, password)

    def __getitem__(self, client_sap: int) -> AssociationSettings:
        authentication = self._clients[client_sap].authentication
        if authentication.high:
            return self._security.of(client_sap).association(authentication)
        return self._plain[authentication]

    def __iter__(self) -> Iterator[int]:
        return iter(self._clients)

    def __len__(self) -> int:
        return len(self._clients)
