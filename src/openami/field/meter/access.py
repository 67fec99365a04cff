"""The clients of our meters: who may associate, how protected, and with which rights.

Client 16 (public) sees what identifies the meter and no consumption. Clients 1 (management) and 2 (reading) prove
themselves with HLS 5 and talk authenticated and encrypted; only management may change or switch anything. Client 4, the
guard, is there in meters that give it keys of its own; then only it may do what is critical.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from openami.field.meter import codes
from openami.field.meter.config import MeterConfig
from openami.field.meter.sub_meter_objects import CHANNELS, WRITABLE, client_name
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.cosem.access_rights import AccessRights
from openami.protocols.dlms.cosem.association_ln import AttributeAccessMode, MethodAccessMode
from openami.protocols.dlms.cosem.interval_push import PUSH_ON_INTERVAL
from openami.protocols.dlms.cosem.logical_device import CURRENT_ASSOCIATION
from openami.protocols.dlms.cosem.m_bus import MBusClient

MANAGEMENT: Final = 1
READING: Final = 2
GUARD: Final = 4
PUBLIC: Final = 16
SERVER_SAP: Final = 1

_WRITABLE = AttributeAccessMode.READ_AND_WRITE
_MAY = MethodAccessMode.ACCESS
_HLS = {(CURRENT_ASSOCIATION, 1): _MAY}

_PUSHES: Final = (PUSH_ON_INTERVAL, codes.PUSH_ON_ALARM, codes.PUSH_ON_POWER_DOWN)
_SCHEDULES: Final = (
    codes.BILLING_SCHEDULE,
    codes.DISCONNECT_SCHEDULE,
    codes.IMAGE_SCHEDULE,
    codes.PUSH_SCHEDULE,
)
_SCRIPTS: Final = (
    codes.BILLING_SCRIPTS,
    codes.TARIFF_SCRIPTS,
    codes.DISCONNECT_SCRIPTS,
    codes.IMAGE_SCRIPTS,
    codes.PUSH_SCRIPTS,
)
_SUB_METERS: Final = tuple(map(client_name, CHANNELS))

_SETUP_METHODS: Final = range(1, 9)
CRITICAL: Final = {
    **{(codes.DISCONNECT_CONTROL, method): _MAY for method in (1, 2)},
    (codes.DISCONNECT_SCRIPTS, 1): _MAY,
    (codes.IMAGE_SCRIPTS, 1): _MAY,
    (codes.IMAGE_TRANSFER, 4): _MAY,
    (codes.ACTIVITY_CALENDAR, 1): _MAY,
    **{(codes.CLOCK, method): _MAY for method in (1, 2, 3, 6)},
    **{(codes.SECURITY_SETUP, method): _MAY for method in _SETUP_METHODS},
}
"""Methods that switch supply or tariff, activate firmware, move the clock, change keys or policy."""

PUBLIC_RIGHTS: Final = AccessRights(
    objects=frozenset(
        {codes.CLOCK, codes.SAP_ASSIGNMENT, codes.LOGICAL_DEVICE_NAME, codes.INVOCATION_COUNTER, codes.SERIAL}
    )
)
READING_RIGHTS: Final = AccessRights(methods=_HLS)
MANAGEMENT_RIGHTS: Final = AccessRights(
    attributes={
        (codes.CLOCK, 2): _WRITABLE,
        (codes.LOAD_PROFILE, 4): _WRITABLE,
        (codes.DISCONNECT_CONTROL, 4): _WRITABLE,
        **{(code, attribute): _WRITABLE for code in _PUSHES for attribute in range(2, 12)},
        **{(code, 2): _WRITABLE for code in (codes.ALARM_REGISTER, codes.ALARM_FILTER, codes.ALARM_DESCRIPTOR)},
        (codes.IMAGE_TRANSFER, 5): _WRITABLE,
        **{(codes.ACTIVITY_CALENDAR, attribute): _WRITABLE for attribute in (6, 7, 8, 9, 10)},
        (codes.SPECIAL_DAYS, 2): _WRITABLE,
        (codes.COMPACT_DATA, 3): _WRITABLE,
        (codes.COMPACT_DATA, 6): _WRITABLE,
        (codes.REGISTER_ACTIVATION, 4): _WRITABLE,
        **{(codes.LIMITER, attribute): _WRITABLE for attribute in (2, 4, 5, 6, 7, 8, 9, 11)},
        **{(code, attribute): _WRITABLE for code in codes.REGISTER_MONITORS for attribute in (2, 3, 4)},
        **{(code, attribute): _WRITABLE for code in _SCHEDULES for attribute in (2, 4)},
        **{(code, attribute.attribute_id): _WRITABLE for code in _SUB_METERS for attribute in WRITABLE},
    },
    methods={
        **_HLS,
        **{(codes.CLOCK, method): _MAY for method in (1, 2, 3, 6)},
        **{(code, 1): _MAY for code in (codes.LOAD_PROFILE, codes.DAILY_BILLING, codes.EVENT_LOG)},
        **{(code, 2): _MAY for code in (codes.LOAD_PROFILE, codes.DAILY_BILLING)},
        **{(codes.DISCONNECT_CONTROL, method): _MAY for method in (1, 2)},
        **{(codes.IMAGE_TRANSFER, method): _MAY for method in (1, 2, 3, 4)},
        (codes.ACTIVITY_CALENDAR, 1): _MAY,
        **{(codes.COMPACT_DATA, method): _MAY for method in (1, 2)},
        **{(codes.SPECIAL_DAYS, method): _MAY for method in (1, 2)},
        **{(codes.REGISTER_ACTIVATION, method): _MAY for method in (2, 3)},
        **{(code, 1): _MAY for code in _SCRIPTS},
        **{(codes.DEMAND, method): _MAY for method in (1, 2)},
        **{(codes.MONTHLY_BILLING, method): _MAY for method in (1, 2)},
        (codes.MAXIMUM_DEMAND, 1): _MAY,
        **{(code, method): _MAY for code in _PUSHES for method in (1, 2)},
        **{(codes.SECURITY_SETUP, method): _MAY for method in _SETUP_METHODS},
        **{(code, method): _MAY for code in _SUB_METERS for method in MBusClient.METHODS},
    },
)
GUARD_RIGHTS: Final = AccessRights(methods={**_HLS, **CRITICAL})


@dataclass(frozen=True, slots=True)
class Client:
    """What a client may do, and how it has to prove itself. With HLS 5 all its APDUs are sealed."""

    rights: AccessRights
    authentication: Authentication


CLIENTS: Final = {
    MANAGEMENT: Client(MANAGEMENT_RIGHTS, Authentication.HLS5),
    READING: Client(READING_RIGHTS, Authentication.HLS5),
    PUBLIC: Client(PUBLIC_RIGHTS, Authentication.NONE),
}
GUARD_CLIENT: Final = Client(GUARD_RIGHTS, Authentication.HLS5)
"""Where it has keys of its own, only it may do what is critical."""


def clients_of(known: Mapping[int, Client], config: MeterConfig) -> Mapping[int, Client]:
    """`known` as they are in a meter of this configuration.

    The guard is there if it has keys of its own; what only it may do, management may not then. Everybody sees the
    invocation counters, and management (or the guard) the SecuritySetup objects, of the clients with keys of their own.
    """
    if not config.roles:
        return known
    clients = {**known, GUARD: GUARD_CLIENT} if GUARD in config.roles else dict(known)
    keeper = GUARD if GUARD in config.roles else MANAGEMENT
    counters = frozenset(map(codes.own_counter, config.roles))
    setups = {(codes.own_setup(sap), method): _MAY for sap in config.roles for method in _SETUP_METHODS}
    for sap, client in clients.items():
        rights = client.rights
        if rights.objects is not None:
            rights = replace(rights, objects=rights.objects | counters)
        if sap == keeper:
            rights = replace(rights, methods={**rights.methods, **setups})
        elif keeper == GUARD:
            left = {verb: mode for verb, mode in rights.methods.items() if verb not in CRITICAL}
            rights = replace(rights, methods=left)
        clients[sap] = replace(client, rights=rights)
    return clients
