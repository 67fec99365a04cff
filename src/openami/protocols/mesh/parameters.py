"""What a mesh is set up with. The defaults are those of docs/reference/mesh.md, which says after which trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from openami.model.errors import SettingError

KeysOf = Callable[[bytes], bytes | None]
"""The 16-byte device key of the station with an EUI-64; `None` for a station that is not ours."""

EUI64_SIZE: Final = 8
KEY_SIZE: Final = 16
PREFIX: Final = bytes.fromhex("fd00000000000000")
FCS_SIZE: Final = 2


@dataclass(frozen=True, slots=True)
class MeshParameters:
    """Times are seconds, sizes octets. One mesh uses one set; what differs is said in the DIO where RPL says so.

    `psdu_max` includes the frame check sequence. `duty` is the share of any hour that a station may be on the air.
    The link is SUN FSK at 150 kbit/s unless said otherwise; a 2.4 GHz lab radio wants `psdu_max=127`. `good_dbm` is
    the level from which on a link of this radio loses next to nothing.
    """

    pan_id: int = 0x4F41
    prefix: bytes = PREFIX
    psdu_max: int = 512
    bit_rate: int = 150_000
    phy_overhead: int = 12
    duty: float = 0.1
    good_dbm: int = -91
    backoff_s: float = 0.004
    backoff_exponent_min: int = 4
    backoff_exponent_max: int = 7
    busy_max: int = 40
    frame_retries: int = 7
    ack_wait_s: float = 0.015
    queue_max: int = 48
    neighbours_max: int = 64
    dio_interval_min_s: float = 8.192
    dio_doublings: int = 7
    dio_redundancy: int = 5
    rank_increase_max: int = 2048
    rank_increase_min: int = 128
    route_lifetime_s: int = 28_800
    keepalive_s: float = 300.0
    parent_hold_s: float = 300.0
    dao_delay_s: float = 2.0
    dao_change_delay_s: float = 12.0
    dao_pause_s: float = 30.0
    dao_known_delay_s: float = 1800.0
    dao_step_s: float = 30.0
    dao_ack_s: float = 20.0
    dao_tries: int = 5
    beacon_wait_s: float = 4.0
    join_wait_s: float = 25.0
    scan_interval_min_s: float = 8.0
    scan_interval_max_s: float = 120.0
    joins_per_minute: int = 600
    join_route_s: float = 3600.0
    confirmed_wait_s: float = 8.0
    confirmed_tries: int = 6
    confirmed_pending_max: int = 4096
    reassembly_s: float = 10.0
    key_distribution_s: float = 1800.0
    key_grace_s: float = 3600.0
    counter_reserve: int = 4096

    def __post_init__(self) -> None:
        if not 0 <= self.pan_id < 0xFFFF:
            raise SettingError(f"PAN identifier {self.pan_id:#x} must be below 0xffff")
        if len(self.prefix) != EUI64_SIZE:
            raise SettingError(f"the mesh prefix has {EUI64_SIZE} octets, not {len(self.prefix)}")
        if not 127 <= self.psdu_max <= 2047:
            raise SettingError(f"psdu_max {self.psdu_max} must be 127 to 2047 octets")
        if not 0 < self.duty <= 1:
            raise SettingError(f"duty {self.duty} must be above 0 and at most 1")

    def airtime_s(self, psdu_size: int) -> float:
        """How long a PSDU of `psdu_size` octets without its FCS occupies the air."""
        return (psdu_size + FCS_SIZE + self.phy_overhead) * 8 / self.bit_rate


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Who a station is. `keys_of` makes it the root: it looks up the keys of those who want to join.

    `device_key` (16 octets) is the station's own; the root derives its group keys from its own. Without it the mesh
    has no security at all, joins nothing, and understands neighbours that have none either: for a lab.
    """

    eui64: bytes
    root: bool = False
    device_key: bytes | None = field(default=None, repr=False)
    keys_of: KeysOf | None = field(default=None, repr=False)
    parameters: MeshParameters = field(default_factory=MeshParameters)

    def __post_init__(self) -> None:
        if len(self.eui64) != EUI64_SIZE:
            raise SettingError(f"an EUI-64 has {EUI64_SIZE} octets, not {len(self.eui64)}")
        if self.device_key is not None and len(self.device_key) != KEY_SIZE:
            raise SettingError(f"a device key has {KEY_SIZE} octets, not {len(self.device_key)}")
        if self.root and self.device_key is not None and self.keys_of is None:
            raise SettingError("a root with a key needs keys_of: whom else would it let join?")
