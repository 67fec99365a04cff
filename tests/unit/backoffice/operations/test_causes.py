"""Every failure has one word, and the pauses between attempts grow and scatter."""

from __future__ import annotations

import pytest

from openami.backoffice.operations.cause import PERMANENT, Cause, NotReadable, cause_of
from openami.backoffice.operations.headend_client import HeadendRefused, HeadendUnreachable, SpoolFailed
from openami.backoffice.operations.push_opening import apdus_of
from openami.backoffice.operations.settings import OperationsSettings, retry_delay_s
from openami.io.keystore import NoKeys
from openami.model.errors import (
    ConnectFailed,
    DecodeError,
    FrameCheckError,
    LinkLost,
    LinkTimeout,
    RemoteProtocolError,
    SecurityError,
    SettingError,
    StoreError,
)
from openami.protocols.dlms.errors import AssociationRejected, DataAccessError
from openami.protocols.dlms.wrapper import encode_wrapper
from openami.protocols.zones import RefusalCause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectFailed("x"), Cause.CONNECT_FAILED),
        (LinkTimeout("x"), Cause.TIMEOUT),
        (TimeoutError(), Cause.TIMEOUT),
        (LinkLost("x"), Cause.LINK_LOST),
        (HeadendUnreachable("x"), Cause.HEADEND_UNREACHABLE),
        (AssociationRejected(1, 2), Cause.ASSOCIATION_REJECTED),
        (DataAccessError(3, "1-0:1.8.0*255"), Cause.SERVICE_REFUSED),
        (SecurityError("x"), Cause.SECURITY_ERROR),
        (DecodeError("x", 0), Cause.DECODE_ERROR),
        (FrameCheckError("x", 0), Cause.DECODE_ERROR),
        (RemoteProtocolError("x"), Cause.PROTOCOL_ERROR),
        (NoKeys("x"), Cause.NO_KEYS),
        (SettingError("x"), Cause.WRONG_SETTING),
        (StoreError("x"), Cause.STORE_FAILED),
        (SpoolFailed("x"), Cause.STORE_FAILED),
        (NotReadable(Cause.NO_LINK, "x"), Cause.NO_LINK),
        (KeyError("x"), Cause.DEFECT),
    ],
)
def test_each_error_has_its_cause(error, cause):
    assert cause_of(error) is cause


def test_each_refusal_of_the_head_end_has_its_cause():
    causes = {refusal: cause_of(HeadendRefused(refusal, "x")) for refusal in RefusalCause}
    assert causes[RefusalCause.CONNECT_FAILED] is Cause.CONNECT_FAILED
    assert causes[RefusalCause.TIMEOUT] is Cause.TIMEOUT
    assert causes[RefusalCause.BUSY] is Cause.METER_BUSY
    throttles = (RefusalCause.TOO_MANY, RefusalCause.TOO_SOON, RefusalCause.OUTSIDE_WINDOW)
    assert {causes[each] for each in throttles} == {Cause.THROTTLED}
    assert causes[RefusalCause.NOT_ALLOWED] is Cause.HEADEND_REFUSED
    assert not PERMANENT & set(causes.values())


def test_pauses_double_up_to_a_limit_and_scatter_by_half():
    settings = OperationsSettings(backoff_s=10, backoff_max_s=100)
    assert [retry_delay_s(settings, attempt, b"\0\0\0\0") for attempt in (1, 2, 3, 4, 5, 1000)] == [
        10,
        20,
        40,
        80,
        100,
        100,
    ]
    least = retry_delay_s(settings, 1, b"\xff\xff\xff\xff")
    assert 5 < least < 5.01


@pytest.mark.parametrize(("name", "value"), [("concurrency", 0), ("attempts", 0), ("backoff_s", 0)])
def test_settings_that_cannot_be_meant(name, value):
    with pytest.raises(SettingError, match=name):
        OperationsSettings(**{name: value})
    with pytest.raises(SettingError, match="system_title"):
        OperationsSettings(system_title=b"short")


def test_the_framing_of_a_push_comes_off():
    assert list(apdus_of(encode_wrapper(b"\x0fabc", 1, 103))) == [b"\x0fabc"]
    assert list(apdus_of(b"\x0fabc")) == [b"\x0fabc"]
    for bad in (b"\x00\x01\x00", b"\x7e\x7e", b"\x7e\xa0\x07broken\x7e"):
        with pytest.raises(DecodeError):
            list(apdus_of(bad))
