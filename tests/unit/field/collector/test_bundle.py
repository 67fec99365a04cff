"""Signed bundles: verified, swapped, on probation, rolled back."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.field.collector.bundle import STARTS_MAX, Bundles, make_bundle
from openami.model.errors import SecurityError, StoreError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def bundles(folder):
    return Bundles(folder, "c1", KEY.public_key())


def bundle(number, text=b"x = 1", name="*", key=KEY):
    return make_bundle(name, number, {"openami.toml": text}, key)


def shown(folder):
    return (folder / "current" / "openami.toml").read_bytes()


def test_a_bundle_is_swapped_in_and_a_confirmed_one_stays(tmp_path):
    held = bundles(tmp_path)
    assert held.install(bundle(3)) == 3
    assert shown(tmp_path) == b"x = 1"
    held.confirm()
    for _ in range(STARTS_MAX + 2):
        assert bundles(tmp_path).started() == 3


def test_a_bundle_that_never_works_is_rolled_back(tmp_path):
    held = bundles(tmp_path)
    held.install(bundle(1, b"good"))
    held.confirm()
    held.install(bundle(2, b"bad"))
    assert [bundles(tmp_path).started() for _ in range(STARTS_MAX + 1)] == [2] * STARTS_MAX + [1]
    assert shown(tmp_path) == b"good"
    with pytest.raises(SecurityError, match="not newer"):
        bundles(tmp_path).install(bundle(2, b"bad"))
    with pytest.raises(StoreError, match="no bundle from before"):
        bundles(tmp_path).roll_back()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (bundle(2, key=OTHER), "not signed"),
        (bundle(2, name="c2"), "is for c2"),
        (bundle(1), "not newer"),
        (b"", "no bundle"),
        (bundle(2).replace(b"x = 1", b"x = 2"), "not those that were signed"),
    ],
)
def test_what_is_not_for_us_or_not_newer_changes_nothing(raw, said, tmp_path):
    held = bundles(tmp_path)
    held.install(bundle(1, b"first"))
    with pytest.raises(SecurityError, match=said):
        held.install(raw)
    assert (held.current, shown(tmp_path)) == (1, b"first")


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "", ".", "..", "a/b"])
def test_files_stay_in_their_folder(name, tmp_path):
    with pytest.raises(SecurityError):
        bundles(tmp_path).install(make_bundle("*", 1, {name: b"x"}, KEY))
    assert not (tmp_path / "1").exists()


def test_a_swap_that_was_interrupted_is_finished_at_the_next_start(tmp_path):
    held = bundles(tmp_path)
    held.install(bundle(1, b"first"))
    held.confirm()
    held.install(bundle(2, b"second"))
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("1")  # the power was cut between state and link
    assert bundles(tmp_path).started() == 2
    assert shown(tmp_path) == b"second"
