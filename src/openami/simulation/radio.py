"""The radio's links: log-distance path loss with shadowing, in whole dB, from positions in whole decimetres.

Shadowing belongs to a pair of names and is the same in both directions; so is the part of frames that is lost
whatever the level (fading, other users of the band), evenly spread between two bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from openami.simulation.medium import MARGIN_MIN, PARTS, Neighbour, Phy

Levels = npt.NDArray[np.int64]
_MULTIPLIERS = (0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB)


class Radio(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Defaults: IEEE 802.15.4 SUN FSK at 150 kbit/s and 14 dBm, a duty cycle of 10 %; docs/decisions/0010 says why.

    `obstruction_db` is what walls and cupboards take from every link. `link_loss_percent` are the bounds of what a
    link loses whatever its level.
    """

    rate_bps: int = 150_000
    overhead_octets: int = 12
    power_dbm: int = 14
    sensitivity_dbm: int = -100
    carrier_sense_dbm: int = -104
    loss_at_1_m_db: int = 31
    exponent_tenths: int = 35
    shadowing_db: int = 6
    obstruction_db: int = 28
    link_loss_percent: tuple[int, int] = (5, 20)
    duty_permille: int = 100

    @property
    def phy(self) -> Phy:
        """What the medium needs of it."""
        return Phy(
            self.rate_bps, self.overhead_octets, self.sensitivity_dbm, self.carrier_sense_dbm, self.duty_permille
        )


def levels(radio: Radio, places_dm: Sequence[tuple[int, int]], keys: Sequence[int]) -> Levels:
    """Level at which each station (column) hears each other (row), in dBm; itself: far below everything."""
    at = np.array(places_dm, dtype=np.int64).reshape(-1, 2)
    apart = at[:, None, :] - at[None, :, :]
    square = np.maximum((apart * apart).sum(axis=2), 100)
    loss = np.rint(radio.exponent_tenths * 0.5 * np.log10(square / 100.0)).astype(np.int64)
    level: Levels = radio.power_dbm - radio.loss_at_1_m_db - radio.obstruction_db - loss - _shadowing(radio, keys)
    np.fill_diagonal(level, -999)
    return level


def radio_links(radio: Radio, level: Levels, keys: Sequence[int]) -> list[list[Neighbour]]:
    """The neighbours of each station, those that are only disturbed included."""
    low, high = (percent * PARTS // 100 for percent in radio.link_loss_percent)
    loss = low + (_pairs(keys, 1) >> np.uint64(24)).astype(np.int64) % max(1, high - low)
    audible = level >= radio.sensitivity_dbm + MARGIN_MIN
    return [
        [Neighbour(int(other), int(level[one, other]), int(loss[one, other])) for other in np.flatnonzero(audible[one])]
        for one in range(len(level))
    ]


def mean_neighbours(radio: Radio, level: Levels) -> float:
    """How many others a station hears at its sensitivity or better, on average."""
    return float((level >= radio.sensitivity_dbm).sum()) / max(1, len(level))


def _shadowing(radio: Radio, keys: Sequence[int]) -> Levels:
    """Sums of four even integers, of about the wanted deviation, in whole dB."""
    chance = _pairs(keys, 0)
    parts = sum(((chance >> np.uint64(16 * part)) & np.uint64(0xFFFF)).astype(np.int64) for part in range(4))
    deviation = 37_837  # of the sum of four numbers from 0 to 65535
    scaled: Levels = (np.asarray(parts, dtype=np.int64) - 131_070) * radio.shadowing_db
    return np.floor_divide(2 * scaled + deviation, 2 * deviation)


def _pairs(keys: Sequence[int], salt: int) -> npt.NDArray[np.uint64]:
    """64 bits for each pair of stations, whichever comes first."""
    own = np.array(keys, dtype=np.uint64)
    low, high = np.minimum(own[:, None], own[None, :]), np.maximum(own[:, None], own[None, :])
    mixed = low * np.uint64(0x9E37_79B9_7F4A_7C15) + (high ^ np.uint64(salt))
    for shift, factor in zip((30, 27), _MULTIPLIERS, strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    spread: npt.NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return spread
