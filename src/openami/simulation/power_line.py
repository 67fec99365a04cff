"""The power line's links: slow, asymmetric, noisy by the hour, one tree of cable per transformer.

Signals lose strength with the cable between two houses and with each house tapped on the way; the noise at each
house is its own, so that what A hears of B is not what B hears of A. No PRIME or G3 modem is modelled: it is a
channel with their order of rate, loss and delay.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openami.simulation.medium import MARGIN_MIN, PARTS, Neighbour, Phy
from openami.simulation.streams import mixed


class PowerLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fixed before measuring. `evening_noise_db` comes on top from 17 to 22 h UTC, half of it from 6 to 9 h."""

    rate_bps: int = 20_000
    overhead_octets: int = 16
    power_dbm: int = 20
    sensitivity_dbm: int = -50
    carrier_sense_dbm: int = -47
    loss_per_100_m_db: int = 12
    loss_per_tap_db: int = 1
    coupling_loss_db: int = 15
    noise_spread_db: int = 8
    evening_noise_db: int = 6
    link_loss_percent: tuple[int, int] = (5, 20)

    @property
    def phy(self) -> Phy:
        """What the medium needs of it. There is no duty-cycle limit on the line."""
        return Phy(self.rate_bps, self.overhead_octets, self.sensitivity_dbm, self.carrier_sense_dbm, 1000)

    def noise_db(self, hour: int) -> int:
        """How much more noise than at night there is in an hour of the day, UTC."""
        if 17 <= hour < 22:
            return self.evening_noise_db
        return self.evening_noise_db // 2 if 6 <= hour < 9 else 0


class Tap(msgspec.Struct, frozen=True):
    """Where a station hangs: on which transformer's street cable, and how far along it, in metres."""

    transformer: str
    street: str
    along_m: int


def power_line_links(line: PowerLine, taps: Sequence[Tap], keys: Sequence[int]) -> list[list[Neighbour]]:
    """The neighbours of each station; other transformers hear nothing."""
    low, high = (percent * PARTS // 100 for percent in line.link_loss_percent)
    own_noise = [mixed(key) % (line.noise_spread_db + 1) for key in keys]
    streets: dict[tuple[str, str], list[int]] = {}
    for number, tap in enumerate(taps):
        streets.setdefault((tap.transformer, tap.street), []).append(number)
    found: list[list[Neighbour]] = [[] for _ in taps]
    for one, tap in enumerate(taps):
        for other, beside in enumerate(taps):
            if other == one or beside.transformer != tap.transformer:
                continue
            metres, between = _cable(tap, beside, taps, streets)
            loss_db = line.coupling_loss_db + metres * line.loss_per_100_m_db // 100 + between * line.loss_per_tap_db
            level = line.power_dbm - loss_db - own_noise[other]
            if level >= line.sensitivity_dbm + MARGIN_MIN:
                chance = mixed(keys[one] ^ mixed(keys[other]))
                found[one].append(Neighbour(other, level, low + (chance >> 24) % max(1, high - low)))
    return found


def _cable(one: Tap, other: Tap, taps: Sequence[Tap], streets: dict[tuple[str, str], list[int]]) -> tuple[int, int]:
    """Metres of cable between two taps, and how many others hang on it; streets meet at the transformer."""
    if one.street == other.street or "" in {one.street, other.street}:
        street = one.street or other.street
        low, high = sorted((one.along_m, other.along_m))
        return high - low, _between(streets, taps, (one.transformer, street), low, high)
    return one.along_m + other.along_m, sum(
        _between(streets, taps, (tap.transformer, tap.street), 0, tap.along_m) for tap in (one, other)
    )


def _between(
    streets: dict[tuple[str, str], list[int]], taps: Sequence[Tap], street: tuple[str, str], low: int, high: int
) -> int:
    return sum(low < taps[number].along_m < high for number in streets.get(street, ()))
