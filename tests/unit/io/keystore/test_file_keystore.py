"""The keystore: sealed, replaced in one step, silent about what it holds."""

from __future__ import annotations

import random
import traceback
from pathlib import Path

import pytest

from openami.io.disk import SystemDisk
from openami.io.keystore import FileKeystore, KeystoreLocked, MeterKeys, NoKeys
from openami.model.errors import SettingError, StoreError
from openami.simulation.disk import FaultDisk, PowerCut

PATH = Path("keys")
TITLE = b"OAM00001"
KEYS = MeterKeys(bytes(range(16)), bytes(range(16, 32)), None, b"letmein!")
OTHER = MeterKeys(b"k" * 16, b"a" * 16)


def make(disk, path=PATH, passphrase="correct horse", seed=1):
    return FileKeystore(path, passphrase, disk=disk, random=random.Random(seed).randbytes, scrypt_log2_n=4)


def test_keys_survive_closing(tmp_path):
    path = tmp_path / "keys"
    make(SystemDisk(), path).put(TITLE, KEYS)
    again = make(SystemDisk(), path, seed=2)
    assert again.meter_keys(TITLE) == KEYS
    assert again.system_titles() == [TITLE]
    assert path.stat().st_mode & 0o077 == 0


def test_a_wrong_passphrase_is_a_clear_error():
    disk = FaultDisk()
    make(disk).put(TITLE, KEYS)
    with pytest.raises(KeystoreLocked, match="the passphrase is wrong or the file was changed"):
        make(disk, passphrase="wrong")
    with pytest.raises(SettingError, match="is empty"):
        make(disk, passphrase="")


def test_every_changed_bit_is_refused():
    disk = FaultDisk()
    make(disk).put(TITLE, KEYS)
    data = disk.files[PATH].now
    for bit in range(8 * len(data)):
        if 15 * 8 <= bit < 18 * 8:  # the cost of scrypt: a changed one is another key, and slow to try
            continue
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StoreError):
            make(disk)
        data[bit // 8] ^= 1 << bit % 8
    assert make(disk).meter_keys(TITLE) == KEYS


@pytest.mark.parametrize("cost", [(21, 8, 1), (255, 8, 1), (15, 255, 1), (15, 8, 255), (0, 8, 1)])
def test_scrypt_cannot_be_made_to_eat_the_memory(cost):
    disk = FaultDisk()
    make(disk).put(TITLE, KEYS)
    disk.files[PATH].now[15:18] = bytes(cost)
    with pytest.raises(StoreError, match="out of bounds"):
        make(disk)


@pytest.mark.parametrize("data", [b"", b"x", b"OPENAMI-KEYS-1\n", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_keystore_is_said_so(data):
    disk = FaultDisk()
    file = disk.append(PATH)
    file.write(data)
    with pytest.raises(StoreError, match="is no OpenAMI keystore"):
        make(disk)


def test_missing_keys_name_the_meter():
    with pytest.raises(NoKeys, match="4f414d3030303031"):
        make(FaultDisk()).meter_keys(TITLE)


def test_no_secret_is_printed():
    keystore = make(FaultDisk())
    keystore.put(TITLE, KEYS)
    shown = f"{keystore!r} {keystore} {KEYS!r} {KEYS}"
    try:
        keystore.put(b"short", KEYS)
    except SettingError:
        shown += traceback.format_exc()
    for secret in (KEYS.global_unicast_encryption_key, KEYS.authentication_key, KEYS.password, b"correct horse"):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
    assert "<16 bytes>" in shown


def test_nothing_readable_is_in_the_file():
    disk = FaultDisk()
    make(disk).put(TITLE, KEYS)
    data = bytes(disk.files[PATH].now)
    assert KEYS.global_unicast_encryption_key not in data
    assert KEYS.password not in data
    assert TITLE not in data


def test_keys_of_wrong_size_are_refused():
    with pytest.raises(SettingError, match="authentication_key has 5 bytes"):
        MeterKeys(bytes(16), b"12345")


def test_removed_keys_are_gone():
    disk = FaultDisk()
    keystore = make(disk)
    keystore.put_many({TITLE: KEYS, b"OAM00002": OTHER})
    keystore.remove(TITLE)
    assert make(disk.after_power_cut()).system_titles() == [b"OAM00002"]


def test_a_failed_writing_changes_nothing():
    disk = FaultDisk()
    keystore = make(disk)
    keystore.put(TITLE, KEYS)
    for step in (1, 2, 3, 4):
        disk.fails = {disk.steps + step}
        with pytest.raises(StoreError, match="nothing was changed"):
            keystore.put(TITLE, OTHER)
        assert keystore.meter_keys(TITLE) == KEYS


@pytest.mark.parametrize("dies_at", range(1, 9))
@pytest.mark.parametrize("seed", range(4))
def test_killed_while_writing_either_the_old_or_the_new_keys_are_there(dies_at, seed):
    disk = FaultDisk(dies_at, seed)
    put = 0
    try:
        keystore = make(disk)
        keystore.put(TITLE, KEYS)
        put = 1
        keystore.put(TITLE, OTHER)
        put = 2
    except PowerCut:
        pass
    assert put < 2 or dies_at > disk.steps
    for after in (disk.after_kill(), disk.after_power_cut()):
        again = make(after)
        known = again.meter_keys(TITLE) if again.system_titles() else None
        assert known in ([None, KEYS], [KEYS, OTHER], [OTHER])[put]
