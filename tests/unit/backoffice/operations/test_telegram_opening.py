"""What a receiver heard is told apart from what is sealed, whose octets may look like anything."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from openami.backoffice.operations.push_store import KeptPush, PushState
from openami.backoffice.operations.telegram_opening import TelegramOpening
from openami.backoffice.registry.registry import Registry
from openami.io.keystore.meter_keys import NoKeys
from openami.io.store.engine import Store
from openami.protocols.dlms.wrapper import encode_wrapper
from openami.protocols.iec62056_21.telegram import looks_like_p1

NOW = datetime(2026, 3, 10, tzinfo=UTC)
SEALED = b"\xdb\x08OAM\x00\x00\x00\x03\x6c\x30\x30\x00\x00\x00\x01"
TEXT = b"/ABC5\\meter\r\n\r\n0-0:96.1.1(01)\r\n!"


def no_keys(_title):
    raise NoKeys("none")


@pytest.fixture
def opening():
    with closing(Store("sqlite://")) as store:
        store.upgrade()
        yield TelegramOpening(None, None, Registry(store), None, no_keys, every_s=3600)


@pytest.mark.parametrize("framed", [encode_wrapper(SEALED + TEXT, 1, 0x67), SEALED + TEXT, b"\x7e" + TEXT + b"\x7e"])
def test_sealed_octets_that_look_like_text_are_left_to_dlms(opening, framed):
    """A day of 1,000 meters lost the push of one hour by this, of 25,129."""
    assert looks_like_p1(framed), "or this test shows nothing"
    assert opening.open(KeptPush(1, NOW, "C1", "mesh", framed), NOW) is None


def test_text_is_a_telegram_of_a_consumer_port(opening):
    taken = opening.open(KeptPush(1, NOW, "C1", "p1", TEXT + b"\r\n"), NOW)
    assert taken is not None
    assert taken.state is PushState.FOREIGN
