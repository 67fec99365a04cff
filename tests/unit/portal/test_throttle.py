"""Log-in throttle: limits per account and address, the owner not locked out, memory bounded."""

from __future__ import annotations

import pytest

from openami.portal import throttle
from openami.portal.throttle import WINDOW_S, LoginThrottle, network


def fail(limiter, account, address, count, now=0.0):
    for _ in range(count):
        limiter.tried(account, address, now)


def test_five_tries_then_a_wait_until_the_window_ends():
    limiter = LoginThrottle()
    fail(limiter, "anna", "192.0.2.1", 4)
    assert limiter.wait_s("anna", "192.0.2.1", 10) == 0
    fail(limiter, "anna", "192.0.2.1", 1)
    assert limiter.wait_s("anna", "192.0.2.1", 10) == WINDOW_S - 10
    assert limiter.wait_s("anna", "192.0.2.1", WINDOW_S) == 0


def test_one_address_cannot_try_many_accounts():
    limiter = LoginThrottle()
    for number in range(30):
        fail(limiter, f"account{number}", "192.0.2.1", 1)
    assert limiter.wait_s("anna", "192.0.2.1", 0) > 0
    assert limiter.wait_s("anna", "192.0.2.2", 0) == 0


def test_many_addresses_cannot_try_one_account_but_its_owner_still_can():
    limiter = LoginThrottle()
    limiter.tried("anna", "198.51.100.7", 0)
    limiter.succeeded("anna", "198.51.100.7")
    for number in range(50):
        fail(limiter, "anna", f"192.0.2.{number}", 1)
    assert limiter.wait_s("anna", "203.0.113.1", 0) > 0
    assert limiter.wait_s("anna", "198.51.100.7", 0) == 0


def test_a_log_in_takes_its_own_try_back():
    limiter = LoginThrottle(per_address=3)
    for _ in range(10):
        limiter.tried("anna", "192.0.2.1", 0)
        limiter.succeeded("anna", "192.0.2.1")
    assert limiter.wait_s("anna", "192.0.2.1", 0) == 0


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(throttle, "ENTRIES", 100)
    limiter = LoginThrottle()
    for number in range(1000):
        limiter.tried(f"account{number}", "192.0.2.1", 0)
        limiter.succeeded(f"account{number}", f"192.0.2.{number}")
    assert len(limiter._failures) <= 100
    assert len(limiter._known) <= 100


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_address_stands_for_its_network(address, expected):
    assert network(address) == expected
