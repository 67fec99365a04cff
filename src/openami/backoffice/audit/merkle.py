"""The Merkle tree of RFC 6962: hashes, proofs that a leaf is in it, proofs that one tree continues another.

The root of n leaves splits them at the largest power of two below n. A leaf is hashed behind an octet 0, a node
behind an octet 1, so that neither can be shown as the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from openami.model.errors import SecurityError, SettingError

EMPTY_ROOT: Final = sha256(b"").digest()
PROOF_HASHES_MAX: Final = 64
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(content: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(_LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return sha256(_NODE + left + right).digest()


class MerkleTree:
    """Leaf hashes that are only ever added to. All that can be asked about it costs the logarithm of its size."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        node = leaf
        for level in self._levels:
            level.append(node)
            if len(level) % 2:
                return
            node = node_hash(level[-2], level[-1])
        self._levels.append([node])

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves (default: all)."""
        end = len(self) if size is None else self._checked(size)
        return self._hash(0, end) if end else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The proof that leaf `index` is in the tree of the first `size` leaves, leaf to root."""
        end = len(self) if size is None else self._checked(size)
        if not 0 <= index < end:
            raise SettingError(f"leaf {index} is not among the first {end}")
        return self._path(index, 0, end)

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """The proof that the tree of `size` leaves begins with that of the first `old`."""
        end = len(self) if size is None else self._checked(size)
        if not 0 <= old <= end:
            raise SettingError(f"a tree of {end} leaves does not continue one of {old}")
        return self._subproof(old, 0, end, whole=True) if 0 < old < end else []

    def _checked(self, size: int) -> int:
        if not 0 <= size <= len(self):
            raise SettingError(f"the tree has {len(self)} leaves, {size} are not there")
        return size

    def _hash(self, start: int, end: int) -> bytes:
        """The root over leaves `start` to `end`; a whole subtree is looked up."""
        count = end - start
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self._levels[level][start >> level]
        split = start + _split(count)
        return node_hash(self._hash(start, split), self._hash(split, end))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        split = start + _split(end - start)
        if index < split:
            return [*self._path(index, start, split), self._hash(split, end)]
        return [*self._path(index, split, end), self._hash(start, split)]

    def _subproof(self, old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self._hash(start, end)]
        split = start + _split(end - start)
        if old <= split:
            return [*self._subproof(old, start, split, whole=whole), self._hash(split, end)]
        return [*self._subproof(old, split, end, whole=False), self._hash(start, split)]


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def verify_inclusion(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Raise `SecurityError` unless `proof` leads from the hash `leaf` at `index` to the `root` of `size` leaves."""
    if not 0 <= index < size or len(proof) > PROOF_HASHES_MAX:
        raise SecurityError(f"leaf {index} of {size} with {len(proof)} hashes is no inclusion proof")
    node, last, rest = leaf, size - 1, list(proof)
    while last:
        if index % 2 or index < last:
            node = _step(node, rest, left=bool(index % 2))
        index, last = index >> 1, last >> 1
    if rest or not compare_digest(node, root):
        raise SecurityError("the leaf is not in the tree of this root")


def _step(node: bytes, rest: list[bytes], *, left: bool) -> bytes:
    if not rest:
        raise SecurityError("the proof is too short")
    other = rest.pop(0)
    return node_hash(other, node) if left else node_hash(node, other)


def verify_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Raise `SecurityError` unless `proof` shows that the tree of `size` leaves begins with the `old` ones."""
    if not 0 <= old <= size or len(proof) > PROOF_HASHES_MAX:
        raise SecurityError(f"a tree of {size} leaves does not continue one of {old}")
    if old in {0, size}:
        if proof or (old == size and not compare_digest(old_root, root)) or (old == 0 and old_root != EMPTY_ROOT):
            raise SecurityError("two trees of the same size differ")
        return
    if not compare_digest(_folded(old, size, old_root, root, proof), old_root):
        raise SecurityError(f"the tree of {size} leaves does not begin with the {old} that were known")


def _folded(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bytes:
    """The root of the old tree as the proof tells it, once the proof leads to the new root."""
    rest = list(proof) if old & (old - 1) else [old_root, *proof]
    index, last = old - 1, size - 1
    while index % 2:
        index, last = index >> 1, last >> 1
    if not rest:
        raise SecurityError("the proof is too short")
    before = after = rest.pop(0)
    while last:
        if index % 2 or index < last:
            sibling = rest[:1]
            after = _step(after, rest, left=bool(index % 2))
            before = _step(before, sibling, left=True) if index % 2 else before
        index, last = index >> 1, last >> 1
    if rest or not compare_digest(after, root):
        raise SecurityError("the proof does not lead to the new root")
    return before
