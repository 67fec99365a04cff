"""Membership in a DODAG (RFC 6550): hearing and sending DIOs, rank and parent by MRHOF with ETX (RFC 6719), repair."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final, Protocol

from openami.protocols.mesh.dodag_configuration import trickle_of
from openami.protocols.mesh.graph import Graph, check_mode, check_rank
from openami.protocols.mesh.lollipop import following, newer
from openami.protocols.mesh.neighbours import LINK_METRIC_MAX, Neighbour, Neighbours
from openami.protocols.mesh.parameters import MeshParameters
from openami.protocols.mesh.rpl_messages import DIS, INFINITE_RANK, Dio, DioHead, RplCode, decode_dio

PARENT_SWITCH_THRESHOLD: Final = 192
"""How much cheaper another way has to be before the parent is changed: 1.5 transmissions (RFC 6719)."""
_CORRECTION_PAUSE_S: Final = 5.0
"""Neighbours that act on old news are told our rank no more often than this, each."""
_HOLD_S: Final = 6.0
_GRACE_S: Final = 40.0
"""How long a station whose parent has lost its own way waits for it, silently, before it takes its children along."""
_SOLICIT_MIN_S, _SOLICIT_MAX_S = 4.0, 64.0
LEAVE_AFTER_S: Final = 300.0


class Upcalls(Protocol):
    """What a DODAG member needs from its station."""

    def send_rpl(self, code: RplCode, body: bytes, neighbour: bytes | None, now: float) -> None:
        """Send a message to a neighbour, or to all of them."""
        ...

    def parent_changed(self, now: float) -> None:
        """The preferred parent is another one, or there is none any more."""
        ...

    def routes_wanted(self, now: float) -> None:
        """The root has forgotten the routes: ours has to be announced again."""
        ...

    def lost(self, reason: str, now: float) -> None:
        """No parent was found for a long time."""
        ...


class Dodag:
    """`due` is when `act` wants to be called. Root: call `found`; others: call `search`."""

    def __init__(
        self, eui64: bytes, parameters: MeshParameters, random: Callable[[int], bytes], upcalls: Upcalls
    ) -> None:
        self._identity = eui64
        self._parameters = parameters
        self._random = random
        self._upcalls = upcalls
        self.neighbours = Neighbours(parameters.neighbours_max, parameters.good_dbm)
        self.root = False
        self.rank = INFINITE_RANK
        self.parent: Neighbour | None = None
        self.graph = Graph(parameters)
        self._dtsn: int | None = None
        self._lowest = INFINITE_RANK
        self._trickle = trickle_of(self.graph.configuration, random)
        self._solicit_due = inf
        self._solicit_s = _SOLICIT_MIN_S
        self._hold_until = -inf
        self._lost_since = inf
        self._changed = -inf
        self._orphan_due = inf

    @property
    def due(self) -> float:
        return min(self._trickle.due, self._solicit_due, self._orphan_due)

    @property
    def attached(self) -> bool:
        """Whether packets can go up."""
        return self.rank < INFINITE_RANK

    def found(self, dodag_id: bytes, dtsn: int, now: float) -> None:
        """Be the root of a DODAG of our own. Another `dtsn` than in the life before makes all announce their routes."""
        self.root = True
        self._dtsn = dtsn
        self.graph.dodag_id = dodag_id
        self.rank = self._lowest = self._parameters.rank_increase_min
        self._trickle.start(now)

    def search(self, now: float) -> None:
        """Look for a DODAG: ask the neighbours, at once and then ever more rarely."""
        self._solicit_s = _SOLICIT_MIN_S
        self._solicit_due = now + 0.5 * self._chance()
        self._lost_since = now

    def leave(self, reason: str, now: float) -> None:
        """Be in no DODAG any more, and say so to whoever runs us."""
        self._forget()
        self._upcalls.lost(reason, now)

    def stop(self, now: float) -> None:
        """Tell the neighbours that we are no way up any more, and fall silent."""
        if self.attached:
            self.rank = INFINITE_RANK
            self._speak(None, now)
        self._forget()

    def global_repair(self, now: float) -> None:
        """Root: begin a new version, which everybody joins anew."""
        self.graph.version = following(self.graph.version)
        self._trickle.reset(now)

    def solicit(self, neighbour: bytes, now: float) -> None:
        """Ask one neighbour for its DIO."""
        self._upcalls.send_rpl(RplCode.DIS, DIS, neighbour, now)

    def greet(self, neighbour: bytes, now: float) -> None:
        """Send our DIO to one neighbour, if we have something to say."""
        if self.attached and self._orphan_due is inf:
            self._speak(neighbour, now)

    def correct(self, sender: bytes, now: float) -> None:
        """A neighbour sends upwards through us as our rank does not allow: tell it, and only it, what our rank is."""
        neighbour = self.neighbours.get(sender)
        if neighbour is None or now < neighbour.corrected + _CORRECTION_PAUSE_S or not self.graph.dodag_id:
            return
        neighbour.corrected = now
        self._speak(sender, now)

    def inconsistent(self, now: float) -> None:
        """Something shows that neighbours believe old news."""
        if self._orphan_due is inf:
            self._trickle.reset(now)

    def receive_dis(self, sender: bytes, now: float, *, unicast: bool) -> None:
        if unicast:
            self.greet(sender, now)
        elif self.attached and self._orphan_due is inf:
            self._trickle.reset(now)

    def receive_dio(self, sender: bytes, body: bytes, rssi_dbm: int, now: float) -> None:
        """Take in a neighbour's DIO; raise `DecodeError` if it is none or cannot be true."""
        neighbour = self.neighbours.heard(sender, rssi_dbm, now, self.parent)
        if neighbour is None:
            return
        if body == neighbour.dio:
            self._trickle.consistent()
            if not self.root and self._tempting(neighbour):
                self._choose(now)
            return
        if self.root:
            neighbour.dio = body
            self._trickle.consistent()
            return
        dio = decode_dio(body)
        if not self._ours(dio, sender, now):
            return
        neighbour.dio = body
        neighbour.rank, neighbour.dtsn = dio.head.rank, dio.head.dtsn
        if dio.head.rank >= INFINITE_RANK and neighbour is not self.parent:
            return
        self._choose(now)
        self._trickle.consistent()

    def measured(self, neighbour: Neighbour, now: float) -> None:
        """The ETX of a neighbour has changed."""
        if not self.root and (neighbour is self.parent or self.parent is None):
            self._choose(now)

    def act(self, now: float) -> None:
        if self._trickle.due <= now and self._trickle.act(now) and self.attached:
            self._speak(None, now)
        if self._orphan_due <= now:
            self._detach(now)
        if self._solicit_due <= now:
            self._solicit(now)

    def _ours(self, dio: Dio, sender: bytes, now: float) -> bool:
        """Whether a DIO belongs to the DODAG that we are in, or may join; joins it if we are in none."""
        head, graph = dio.head, self.graph
        check_mode(head)
        if not graph.dodag_id:
            graph.join(dio)
            self._trickle = trickle_of(graph.configuration, self._random)
        elif not graph.is_told_by(head):
            return False
        elif newer(head.version, graph.version):
            self._renew(head, now)
        elif head.version != graph.version:
            self.inconsistent(now)
            return False
        check_rank(head, sender, graph.hop)
        return True

    def _renew(self, head: DioHead, now: float) -> None:
        self.graph.version = head.version
        self._lowest = INFINITE_RANK
        for neighbour in self.neighbours:
            neighbour.rank, neighbour.dio = INFINITE_RANK, b""
        self._trickle.reset(now)

    def _choose(self, now: float) -> None:
        """MRHOF with hysteresis: the cheapest way up, but only for a reason, and not again at once.

        A parent that is no nearer to the root than we are may go through us: it is given up, and if there is no
        other, so is our place. Following it would raise both ranks in turns (count to infinity).
        """
        parent = self.parent
        current = parent.path_cost if parent is not None and self._nearer(parent) else INFINITE_RANK
        best, cost = parent, current
        if current >= INFINITE_RANK or now >= self._changed + self._parameters.parent_hold_s:
            found, new_cost = self._best(now)
            if current >= INFINITE_RANK or new_cost + PARENT_SWITCH_THRESHOLD < current:
                best, cost = found, new_cost
        if best is None or cost > self.graph.rank_limit(self._lowest):
            if parent is not None:
                self._wait_for(parent, now)
            return
        if self._orphan_due < inf:
            self._orphan_due = inf
            self._trickle.start(now)
        self.parent, rank = best, max(cost, best.rank + self.graph.hop)
        if best is not parent or self._moved(rank, best):
            self.rank = rank
            self._lowest = min(self._lowest, rank)
        if best is not parent:
            self._changed = now
            self._attached(parent, now)
        self._heed(best, now)

    def _heed(self, parent: Neighbour, now: float) -> None:
        """A DTSN other than the last asks for DAOs, ours and those of our children (RFC 6550, section 9.6)."""
        if parent.dtsn == self._dtsn:
            return
        first, self._dtsn = self._dtsn is None, parent.dtsn
        if not first:
            self._trickle.reset(now)
            self._upcalls.routes_wanted(now)

    def _tempting(self, neighbour: Neighbour) -> bool:
        """Whether a neighbour that says nothing new may be a better way up: its link, or ours, may have changed."""
        parent = self.parent
        if parent is None or neighbour is parent:
            return parent is None
        return neighbour.path_cost + PARENT_SWITCH_THRESHOLD < parent.path_cost

    def _wait_for(self, parent: Neighbour, now: float) -> None:
        """There is no way up: our parent may soon have one again, unless it is its link that is gone."""
        if parent.link_metric > LINK_METRIC_MAX:
            self._detach(now)
        elif self._orphan_due is inf:
            self._orphan_due = now + _GRACE_S * (0.75 + self._chance() / 2)
            self._trickle.stop()

    def _moved(self, rank: int, parent: Neighbour) -> bool:
        """Whether a rank has moved so far that ours follows; small movements would only make others move."""
        increase = self.graph.hop
        return abs(rank - self.rank) >= increase or self.rank < parent.rank + increase

    def _nearer(self, neighbour: Neighbour) -> bool:
        return self.graph.dag_rank(neighbour.rank) < self.graph.dag_rank(self.rank)

    def _attached(self, old: Neighbour | None, now: float) -> None:
        self._solicit_due = self._lost_since = inf
        if old is None:
            self._trickle.start(now)
        self._upcalls.parent_changed(now)

    def _best(self, now: float) -> tuple[Neighbour | None, int]:
        """The cheapest neighbour that cannot be our own descendant, and our rank below it."""
        if now < self._hold_until:
            return None, INFINITE_RANK
        ceiling = self.graph.dag_rank(self.rank) * self.graph.hop
        best, cost = None, INFINITE_RANK
        for neighbour in self.neighbours:
            if neighbour.rank < ceiling and (found := neighbour.path_cost) < cost:
                best, cost = neighbour, found
        return best, cost

    def _detach(self, now: float) -> None:
        """Local repair: poison the routes through us, then look for a new parent once that has been heard.

        Who was not nearer to the root than we were may be below us, and has to say anew where it is.
        """
        for neighbour in self.neighbours:
            if not self._nearer(neighbour):
                neighbour.rank, neighbour.dio = INFINITE_RANK, b""
        self.parent = None
        self._orphan_due = inf
        self.rank = self._lowest = INFINITE_RANK
        self._trickle.stop()
        self._speak(None, now)
        self._hold_until = now + _HOLD_S
        self._solicit_due = now + _HOLD_S * (1 + self._chance())
        self._solicit_s = _SOLICIT_MIN_S
        self._lost_since = now
        self._upcalls.parent_changed(now)

    def _solicit(self, now: float) -> None:
        self._choose(now)
        if self.parent is not None:
            self._solicit_due = inf
            return
        if now - self._lost_since >= LEAVE_AFTER_S:
            self.leave("no neighbour offers a way up", now)
            return
        self._upcalls.send_rpl(RplCode.DIS, DIS, None, now)
        self._solicit_due = now + self._solicit_s * (1 + self._chance())
        self._solicit_s = min(2 * self._solicit_s, _SOLICIT_MAX_S)

    def _forget(self) -> None:
        self.parent = None
        self._dtsn = None
        self.rank = self._lowest = INFINITE_RANK
        self.graph.dodag_id = b""
        self._orphan_due = inf
        self.neighbours.clear()
        self._trickle.stop()
        self._solicit_due = inf

    def _speak(self, neighbour: bytes | None, now: float) -> None:
        self._upcalls.send_rpl(RplCode.DIO, self.graph.dio(self.rank, self._dtsn or 0), neighbour, now)

    def _chance(self) -> float:
        return self._random(1)[0] / 256
