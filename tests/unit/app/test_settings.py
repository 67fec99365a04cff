"""The configuration file: what `openami init` writes is what `openami up` reads."""

from __future__ import annotations

import pytest

from openami.app.settings import Settings, address, fields, load_settings, sections, write_settings
from openami.model.errors import SettingError


def test_the_written_file_reads_back_as_the_defaults(tmp_path):
    path = tmp_path / "openami.toml"
    path.write_text(write_settings(Settings()))
    assert load_settings(path) == Settings()


def test_every_setting_is_documented_in_the_file():
    text = write_settings(Settings())
    for name, section in sections(Settings()):
        assert f"[{name}]" in text
        for setting, description, _ in fields(section):
            assert description.endswith("."), f"{name}.{setting}"
            assert f"# {description}\n{setting} = " in text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[portal]\nlisten = 5", "portal.listen"),
        ("[portal]\nlsten = 'x'", "lsten"),
        ("[headend]\ncircuits = 0", "headend.circuits"),
        ("[headend\n", "line 1"),
        ("nonsense = 1", "nonsense"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, what):
    path = tmp_path / "openami.toml"
    path.write_text(text)
    with pytest.raises(SettingError, match=r"openami\.toml") as caught:
        load_settings(path)
    assert what in str(caught.value)


def test_a_missing_file_tells_what_to_do(tmp_path):
    with pytest.raises(SettingError, match="openami init"):
        load_settings(tmp_path / "absent.toml")


def test_addresses():
    assert address("127.0.0.1:80", "portal.listen") == ("127.0.0.1", 80)
    assert address("[::1]:80", "portal.listen") == ("::1", 80)
    for wrong in ("127.0.0.1", ":80", "host:port", "host:70000"):
        with pytest.raises(SettingError, match=r"portal\.listen"):
            address(wrong, "portal.listen")
