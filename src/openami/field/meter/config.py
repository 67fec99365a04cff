"""What makes one electricity meter different from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from openami.field.meter.daylight_saving import DaylightSaving
from openami.field.meter.security_role import SecurityRole
from openami.model.errors import SettingError
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.cosem.disconnect_control import ControlMode
from openami.protocols.dlms.security import SecurityKeys

MANUFACTURER = b"OAM"
PERIODS_S = (0, 60, 300, 600, 900, 1800, 3600)
DRIFT_PPM_MAX = 10_000
DEFAULT_ENTRIES = 45 * 96
_BOUNDS = {
    "profile_entries": (1, 1 << 20),
    "billing_entries": (1, 1 << 16),
    "monthly_entries": (1, 1 << 12),
    "event_entries": (1, 1 << 16),
    "demand_period_s": (60, 86_400),
    "demand_periods": (1, 60),
    "watching_period_s": (1, 3600),
    "push_confirmation_s": (0, 3600),
    "push_setup_version": (0, 2),
    "push_rows": (0, 96),
    "push_spread_s": (0, 3600),
    "push_retries": (0, 255),
    "push_repetition_s": (0, 3600),
    "drift_ppm": (-DRIFT_PPM_MAX, DRIFT_PPM_MAX),
    "time_zone": (-720, 720),
    "power_factor_permille": (1, 1000),
    "image_block_size": (16, 4096),
    "firmware_activation_s": (0, 3600),
}


class ProfileEncoding(StrEnum):
    """How the load profile is sent: every value, without tags, or without what the row before and the period tell."""

    PLAIN = "plain"
    COMPACT_ARRAY = "compact-array"
    NULL_COMPRESSED = "null-compressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterConfig:
    """A meter as it leaves the factory and is configured. Everything else follows from time and its load curve.

    `time_zone` is minutes from normal local time to UTC (CET: −60). `tariff_2_hours` are the local hours in which
    the second tariff counts as long as no other calendar was written. Demand is averaged over `demand_periods` of
    `demand_period_s` each. Limiter and register monitors look at their values every `watching_period_s`.
    `capture_period_s` is the load profile's, 0 for none; its default length is 45 days of quarter hours.
    `power_factor_permille` makes reactive energy and currents out of active ones. `clock_error_s` is how far the
    clock is ahead at the start.
    `push_confirmation_s` is how long it waits for the confirmation of a push; 0: pushes are not confirmed, unless a
    push setup of version 2 says so (`push_setup_version`).
    `push_rows` of the load profile, the newest, are pushed every hour, `push_spread_s` or less after it (0: none); a
    push that the network did not take is repeated `push_retries` times, after `push_repetition_s` each.
    `firmware_key` (raw Ed25519) is the maker's: with it the meter takes only images that the maker has signed.
    `client_system_title` pins the clients that hold keys; without it whoever has the keys may use any title.
    `sub_meters` are the primary addresses of meters on its wired M-Bus, channel 1 first; 0: none is installed yet.
    `asymmetric`, `authorities` and `security_policy` belong to `keys` (see `SecurityRole`). `roles` gives clients, by
    their SAP, keys of their own.
    """

    serial: str
    system_title: bytes
    keys: SecurityKeys = field(repr=False)
    capture_period_s: int = 900
    profile_entries: int = DEFAULT_ENTRIES
    profile_encoding: ProfileEncoding = ProfileEncoding.PLAIN
    billing_entries: int = 62
    monthly_entries: int = 24
    event_entries: int = 128
    demand_period_s: int = 900
    demand_periods: int = 1
    watching_period_s: int = 10
    clock_error_s: float = 0.0
    drift_ppm: float = 0.0
    time_zone: int = 0
    daylight_saving: DaylightSaving | None = None
    tariff_2_hours: tuple[int, ...] = (22, 23, 0, 1, 2, 3, 4, 5)
    import_wh: int = 0
    export_wh: int = 0
    phases: int = 1
    sub_meters: tuple[int, ...] = ()
    nominal_voltage_v: int = 230
    power_factor_permille: int = 950
    control_mode: ControlMode = ControlMode.MODE_2
    client_system_title: bytes | None = None
    push_destination: str = ""
    push_confirmation_s: int = 0
    push_setup_version: int = 0
    push_rows: int = 0
    push_spread_s: int = 0
    push_retries: int = 0
    push_repetition_s: int = 0
    image_block_size: int = 512
    firmware_activation_s: int = 30
    firmware_key: bytes | None = None
    asymmetric: AsymmetricKeys | None = None
    authorities: tuple[bytes, ...] = field(default=(), repr=False)
    security_policy: int | None = None
    roles: Mapping[int, SecurityRole] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.system_title) != 8:
            raise SettingError(f"system_title has {len(self.system_title)} bytes, must be 8")
        if not 1 <= len(self.serial) <= 13 or not self.serial.isascii():
            raise SettingError(f"serial {self.serial!r} must be 1 to 13 ASCII characters")
        if self.capture_period_s not in PERIODS_S:
            raise SettingError(f"capture_period_s is {self.capture_period_s}, must be one of {PERIODS_S}")
        if self.phases not in {1, 3}:
            raise SettingError(f"phases is {self.phases}, must be 1 or 3")
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingError(f"{name} is {value}, must be {low} to {high}")
        for client_sap in self.roles:
            if not 1 <= client_sap <= 127:
                raise SettingError(f"roles has client {client_sap}, must be 1 to 127")

    @property
    def logical_device_name(self) -> bytes:
        """Sixteen octets at most: the manufacturer's three letters and the serial."""
        return MANUFACTURER + self.serial.encode("ascii")

    @property
    def role(self) -> SecurityRole:
        """That of all clients without keys of their own."""
        return SecurityRole(
            keys=self.keys,
            client_system_title=self.client_system_title,
            policy=self.security_policy,
            asymmetric=self.asymmetric,
            authorities=self.authorities,
        )
