"""Lock files: what they may say, and which files they let in."""

from __future__ import annotations

from hashlib import sha256

import pytest

from openami.app.release.lock_file import check_hashed, check_wheels, read_lock
from openami.model.errors import SecurityError, SettingError

WHEEL = b"the bytes of a wheel"
GOOD = sha256(WHEEL).hexdigest()
LOCK = f"""\
# what a library is, not where it is
Some_Lib==1.2.0 \\
    --hash=sha256:{GOOD} \\
    --hash=sha256:{"0" * 64}
other==3 ; sys_platform == 'win32' \\
    --hash=sha256:{"1" * 64}
"""


def test_names_versions_markers_and_hashes_are_read():
    some, other = read_lock(LOCK)
    assert (some.name, some.version, some.hashes) == ("some-lib", "1.2.0", {GOOD, "0" * 64})
    assert some.is_for_us
    assert not other.is_for_us


def test_what_is_written_is_what_was_read():
    lock = read_lock(LOCK)
    assert read_lock("\n".join(one.line() for one in lock)) == lock


@pytest.mark.parametrize(
    "line",
    [
        "--find-links https://packages.invalid/simple",
        "lib @ https://packages.invalid/lib.whl",
        "-e .",
        "lib>=1",
        "lib==1 --hash=md5:00",
        "lib==1 ; never mind",
        f"lib==1 --hash=sha256:{GOOD} extra",
    ],
)
def test_anything_but_a_pin_is_refused_with_its_line(line):
    with pytest.raises(SettingError, match="line 2"):
        read_lock(f"# first\n{line}\n")


def test_a_library_without_a_hash_is_named():
    lock = read_lock(f"{LOCK}loose==1\n")
    with pytest.raises(SecurityError, match="loose"):
        check_hashed(lock)
    check_hashed(lock[:-1])


def test_the_locked_file_is_let_in(tmp_path):
    wheel = tmp_path / "some_lib-1.2.0-py3-none-any.whl"
    wheel.write_bytes(WHEEL)
    check_wheels(read_lock(LOCK), [wheel])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("some_lib-1.2.0-py3-none-any.whl", b"another", "not the file that was locked"),
        ("some_lib-1.2.1-py3-none-any.whl", WHEEL, "the lock knows 1.2.0"),
        ("some_1ib-1.2.0-py3-none-any.whl", WHEEL, "the lock knows nothing"),
        ("some_lib.tar.gz", WHEEL, "is no wheel"),
    ],
)
def test_any_other_file_is_refused(tmp_path, name, content, said):
    wheel = tmp_path / name
    wheel.write_bytes(content)
    with pytest.raises(SecurityError, match=said):
        check_wheels(read_lock(LOCK), [wheel])
