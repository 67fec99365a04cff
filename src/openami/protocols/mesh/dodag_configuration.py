"""What the root of a DODAG decides for all its members, as the options of its DIOs carry it (RFC 6550, section 6.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from openami.model.errors import DecodeError
from openami.protocols.mesh.parameters import MeshParameters
from openami.protocols.mesh.rpl_messages import Dio
from openami.protocols.mesh.rpl_options import (
    CONFIGURATION,
    PREFIX,
    DodagConfiguration,
    PrefixInformation,
    encode_option,
    find,
)
from openami.protocols.mesh.trickle import Trickle

MRHOF: Final = 1
_PREFIX_FLAGS: Final = 0x60
_FOREVER: Final = 0xFFFFFFFF
_LIFETIME_UNIT_S: Final = 300


def configuration_of(parameters: MeshParameters) -> DodagConfiguration:
    """What a root with these parameters decides."""
    return DodagConfiguration(
        0,
        parameters.dio_doublings,
        round(parameters.dio_interval_min_s * 1000).bit_length() - 1,
        parameters.dio_redundancy,
        parameters.rank_increase_max,
        parameters.rank_increase_min,
        MRHOF,
        0,
        min(-(-parameters.route_lifetime_s // _LIFETIME_UNIT_S), 255),
        _LIFETIME_UNIT_S,
    )


def encode_options(configuration: DodagConfiguration, prefix: bytes) -> bytes:
    """The options of our DIOs; `prefix` has 8 octets."""
    information = PrefixInformation(64, _PREFIX_FLAGS, _FOREVER, _FOREVER, 0, prefix + bytes(8))
    return encode_option(CONFIGURATION, configuration) + encode_option(PREFIX, information)


def decode_options(dio: Dio) -> tuple[DodagConfiguration, bytes]:
    """Configuration and prefix of a DODAG by its DIO; raises `DecodeError` for one that we cannot belong to."""
    configuration = find(dio.options, CONFIGURATION, DodagConfiguration)
    if configuration is None:
        raise DecodeError("the first DIO of a DODAG brings no configuration", 24)
    if configuration.objective_code_point != MRHOF or configuration.min_hop_rank_increase == 0:
        raise DecodeError(f"objective {configuration.objective_code_point}; this mesh knows MRHOF (1)", 24)
    prefix = find(dio.options, PREFIX, PrefixInformation)
    return configuration, prefix.prefix[:8] if prefix is not None else dio.head.dodag_id[:8]


def trickle_of(configuration: DodagConfiguration, random: Callable[[int], bytes]) -> Trickle:
    """The timer of DIOs (RFC 6206) with these bounds."""
    return Trickle(
        2 ** min(configuration.interval_min, 24) / 1000,
        min(configuration.interval_doublings, 24),
        configuration.redundancy,
        random,
    )
