"""The DODAG itself, as its root made it and all its members tell it on."""

from __future__ import annotations

from typing import Final

from openami.model.errors import DecodeError
from openami.protocols.mesh.address import eui64_of
from openami.protocols.mesh.dodag_configuration import configuration_of, decode_options, encode_options
from openami.protocols.mesh.lollipop import START
from openami.protocols.mesh.parameters import MeshParameters
from openami.protocols.mesh.rpl_messages import (
    GROUNDED_NON_STORING,
    INFINITE_RANK,
    NON_STORING,
    Dio,
    DioHead,
    encode_dio,
)

INSTANCE: Final = 0


class Graph:
    """`dodag_id` is the root's address; empty while we are in no DODAG. `prefix` has 8 octets."""

    def __init__(self, parameters: MeshParameters) -> None:
        self.dodag_id = b""
        self.instance = INSTANCE
        self.version = START
        self.prefix = parameters.prefix
        self.configuration = configuration_of(parameters)
        self._options = encode_options(self.configuration, self.prefix)

    @property
    def route_lifetime_s(self) -> int:
        """How long a DAO holds, in seconds."""
        return self.configuration.default_lifetime * self.configuration.lifetime_unit_s

    @property
    def hop(self) -> int:
        """By how much a rank grows from one station to the next at least."""
        return self.configuration.min_hop_rank_increase

    def dag_rank(self, rank: int) -> int:
        """The part of a rank by which stations are compared (RFC 6550, section 3.5.1)."""
        return rank // self.configuration.min_hop_rank_increase

    def rank_limit(self, lowest: int) -> int:
        """The rank that a station may not exceed which once had `lowest` in this version."""
        increase = self.configuration.max_rank_increase
        if not increase or lowest == INFINITE_RANK:
            return INFINITE_RANK - 1
        return min(lowest + increase, INFINITE_RANK - 1)

    def join(self, dio: Dio) -> None:
        """Be in the DODAG of this DIO; raises `DecodeError` for one that we cannot belong to."""
        self.configuration, self.prefix = decode_options(dio)
        self.dodag_id = dio.head.dodag_id
        self.instance, self.version = dio.head.instance, dio.head.version
        self._options = encode_options(self.configuration, self.prefix)

    def is_told_by(self, head: DioHead) -> bool:
        """Whether a DIO is about this DODAG, of whatever version."""
        return head.dodag_id == self.dodag_id and head.instance == self.instance

    def dio(self, rank: int, dtsn: int) -> bytes:
        """What a member of this rank says."""
        head = DioHead(self.instance, self.version, rank, GROUNDED_NON_STORING, dtsn, 0, 0, self.dodag_id)
        return encode_dio(head, self._options)


def check_mode(head: DioHead) -> None:
    """Raise `DecodeError` for a DODAG of another kind than this mesh's."""
    if head.mode != NON_STORING:
        raise DecodeError(f"RPL mode of operation {head.mode}; this mesh is non-storing (1)", 4)


def check_rank(head: DioHead, sender: bytes, hop: int) -> None:
    """Only the root has the root's rank: a lie makes nobody nearer than a child of the root."""
    least = hop if sender == eui64_of(head.dodag_id) else 2 * hop
    if head.rank < least:
        raise DecodeError(f"station {sender.hex()} claims rank {head.rank}; only the root may be below {least}", 2)
