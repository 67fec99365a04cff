"""RFC 6962 trees: hashes computed by another way, every proof of every size, and no proof that says more."""

from __future__ import annotations

from hashlib import sha256

import pytest

from openami.backoffice.audit.merkle import (
    EMPTY_ROOT,
    MerkleTree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from openami.model.errors import SecurityError, SettingError

# The eight leaves and roots with which RFC 6962's own implementations are tested (published in its test data).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [sha256(b"\x00" + bytes([n])).digest() for n in range(40)]


def tree_of(count):
    tree = MerkleTree()
    for leaf in HASHES[:count]:
        tree.append(leaf)
    return tree


def plain_root(leaves):
    """The definition, written down."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def test_published_roots():
    tree = MerkleTree()
    assert tree.root() == EMPTY_ROOT == sha256().digest()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(leaf_hash(bytes.fromhex(leaf)))
        assert tree.root().hex() == root


@pytest.mark.parametrize("size", range(41))
def test_roots_follow_the_definition(size):
    whole = tree_of(40)
    assert whole.root(size) == tree_of(size).root() == plain_root(HASHES[:size])


def test_every_leaf_of_every_size_is_proven_and_no_other():
    tree = tree_of(40)
    for size in range(1, 41):
        root = tree.root(size)
        for index in range(size):
            proof = tree.inclusion(index, size)
            verify_inclusion(HASHES[index], index, size, root, proof)
            for wrong in (index + 1, index - 1, size, index ^ 1):
                if wrong != index:
                    with pytest.raises(SecurityError):
                        verify_inclusion(HASHES[index], wrong, size, root, proof)


def test_every_size_continues_every_smaller_one_and_no_other_history():
    tree, other = tree_of(40), MerkleTree()
    for number, leaf in enumerate(HASHES):
        other.append(leaf if number != 3 else bytes(32))
    for size in range(41):
        for old in range(size + 1):
            proof = tree.consistency(old, size)
            verify_consistency(old, tree.root(old), size, tree.root(size), proof)
            if old > 3:
                with pytest.raises(SecurityError):
                    verify_consistency(old, other.root(old), size, tree.root(size), proof)
            for step in range(len(proof)):
                bad = [*proof]
                bad[step] = bytes(32)
                with pytest.raises(SecurityError):
                    verify_consistency(old, tree.root(old), size, tree.root(size), bad)
                with pytest.raises(SecurityError):
                    verify_consistency(old, tree.root(old), size, tree.root(size), proof[:step])
            with pytest.raises(SecurityError):
                verify_consistency(old, tree.root(old), size, tree.root(size), [*proof, bytes(32)])


def test_what_is_not_there_cannot_be_asked():
    tree = tree_of(5)
    for ask in (
        lambda: tree.root(6),
        lambda: tree.inclusion(5),
        lambda: tree.inclusion(-1),
        lambda: tree.consistency(6),
    ):
        with pytest.raises(SettingError):
            ask()
    with pytest.raises(SecurityError):
        verify_consistency(6, bytes(32), 5, tree.root(), [])
    with pytest.raises(SecurityError):
        verify_inclusion(HASHES[0], 0, 5, tree.root(), [bytes(32)] * 65)
