"""How often somebody may try to log in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

WINDOW_S = 900.0
ENTRIES = 20_000


@dataclass(slots=True)
class _Failures:
    count: int
    since: float


class LoginThrottle:
    """Counts failed log-ins in windows of 15 minutes, in bounded memory (the longest untouched entry goes first).

    Three counts, each with its limit: account from one address, one address, account from anywhere. The last one
    does not bind addresses from which the account's owner has logged in before, so that a stranger who guesses
    cannot lock the owner out. An IPv6 address stands for its /64, which one customer has for himself.
    """

    def __init__(self, *, per_pair: int = 5, per_address: int = 30, per_account: int = 50) -> None:
        self._limits = {"pair": per_pair, "address": per_address, "account": per_account}
        self._failures: OrderedDict[tuple[str, ...], _Failures] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait_s(self, account: str, address: str, now: float) -> float:
        """How long this account must wait at this address before the next try; 0 if it may try now."""
        return max((self._wait(key, now) for key in self._keys(account, address)), default=0.0)

    def tried(self, account: str, address: str, now: float) -> None:
        """Note a try. It counts as failed until `succeeded` takes it back."""
        for key in self._keys(account, address):
            entry = self._failures.get(key)
            if entry is None or now >= entry.since + WINDOW_S:
                entry = self._failures[key] = _Failures(0, now)
            entry.count += 1
            self._failures.move_to_end(key)
        _trim(self._failures)

    def succeeded(self, account: str, address: str) -> None:
        """Note that the last try was right: this address is the owner's from now on."""
        pair = (account, network(address))
        for key in (("address", pair[1]), ("account", account)):
            if key in self._failures and self._failures[key].count > 0:
                self._failures[key].count -= 1
        self._failures.pop(("pair", *pair), None)
        self._known[pair] = None
        self._known.move_to_end(pair)
        _trim(self._known)

    def _keys(self, account: str, address: str) -> Iterator[tuple[str, ...]]:
        pair = (account, network(address))
        yield ("pair", *pair)
        yield ("address", pair[1])
        if pair not in self._known:
            yield ("account", account)

    def _wait(self, key: tuple[str, ...], now: float) -> float:
        entry = self._failures.get(key)
        if entry is None or entry.count < self._limits[key[0]]:
            return 0.0
        return max(0.0, entry.since + WINDOW_S - now)


def network(address: str) -> str:
    """The address itself (IPv4), its /64 (IPv6), or the text as it is when it is neither."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped) if ip.ipv4_mapped else f"{IPv6Address(int(ip) >> 64 << 64)}/64"


def _trim(entries: OrderedDict[tuple[str, ...], _Failures] | OrderedDict[tuple[str, str], None]) -> None:
    while len(entries) > ENTRIES:
        entries.popitem(last=False)
