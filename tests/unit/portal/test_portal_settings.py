"""Portal settings: what cannot be meant is refused by name."""

from __future__ import annotations

import pytest

from openami.model.errors import SettingError
from openami.portal.settings import PortalSettings, host_of


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hosts": ()}, "portal.hosts is empty"),
        ({"hosts": ("https://portal.example",)}, "without scheme"),
        ({"hosts": ("Portal.example",)}, "lower case"),
        ({"hsts_preload": True}, "hsts_preload needs"),
        ({"scrypt_log2_n": 5}, "scrypt_log2_n is 5"),
    ],
)
def test_settings_that_cannot_be(values, message):
    with pytest.raises(SettingError, match=message):
        PortalSettings(**values)


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("Portal.Example:443", "portal.example"),
        ("portal.example", "portal.example"),
        ("[2001:DB8::7]:443", "2001:db8::7"),
        ("a:b:c", ""),
        ("", ""),
    ],
)
def test_the_host_of_a_header(authority, host):
    assert host_of(authority) == host
