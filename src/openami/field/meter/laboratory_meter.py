"""A meter for laboratories and tests only: it also reads out to clients that prove little or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from openami.field.meter.access import (
    CLIENTS,
    PUBLIC,
    READING_RIGHTS,
    SERVER_SAP,
    Client,
)
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import LoadCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.security import Associations
from openami.field.meter.security_record import Records
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.counters import Counters
from openami.protocols.dlms.security import Secret
from openami.protocols.dlms.server_settings import ServerSettings

PASSWORD_CLIENT: Final = 3


class LaboratoryMeter(ElectricityMeter):
    """As `ElectricityMeter`, and client 16 reads everything unproven, client 3 with a password (LLS)."""

    known_clients: ClassVar[Mapping[int, Client]] = {
        **CLIENTS,
        PUBLIC: Client(READING_RIGHTS, Authentication.NONE),
        PASSWORD_CLIENT: Client(READING_RIGHTS, Authentication.LLS),
    }

    def __init__(
        self,
        config: MeterConfig,
        curve: LoadCurve,
        start: float,
        password: Secret,
        counters: Counters | None = None,
        random: Callable[[int], bytes] | None = None,
        records: Records | None = None,
    ) -> None:
        super().__init__(config, curve, start, counters, random, records)
        self._password = password

    def server_settings(self) -> ServerSettings:
        associations = Associations(self, self.clients, self._password)
        return ServerSettings(self.config.system_title, {SERVER_SAP: self}, associations)
