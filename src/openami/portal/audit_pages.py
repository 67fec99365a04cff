"""The console's pages of the audit log: its entries, and of each the proof that it is in the log that was witnessed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from openami.backoffice.audit.entry import Audit, Entry, decode_entry
from openami.backoffice.audit.merkle import leaf_hash, verify_inclusion
from openami.portal.duties import Duty, opened_by
from openami.portal.identity import operators_only
from openami.portal.rooms import Rooms, rooms_of

Asking = Request[Any, Any, Any]
PAGE = 50
OFFICERS = opened_by(Duty.SECURITY_OFFICER, Duty.PRIVACY_OFFICER)


@get("/", sync_to_thread=True)
def entries_page(request: Asking, before: FromQuery[int | None] = None) -> Response[str]:
    """The entries, newest first; `before` turns the pages."""
    rooms = rooms_of(request)
    audit = audit_of(rooms)
    size = len(audit.log.tree)
    end = size if before is None else max(0, min(before, size))
    first = max(0, end - PAGE)
    entries = audit.entries(first, end - first) if end else []
    return rooms.pages.page(
        request,
        "audit",
        origin=audit.log.origin,
        size=size,
        root=audit.log.tree.root(size),
        cosigned=audit.cosigned,
        rows=[(first + number, _at(entry), entry) for number, entry in enumerate(entries)][::-1],
        earlier=first,
    )


@get("/{index:int}", sync_to_thread=True)
def entry_page(request: Asking, index: FromPath[int]) -> Response[str]:
    """One entry: its record, its leaf, and the hashes that lead from there to the root."""
    rooms = rooms_of(request)
    audit = audit_of(rooms)
    if not 0 <= index < len(audit.log.tree):
        raise NotFoundException
    found = audit.log.inclusion(index)
    root, leaf = audit.log.tree.root(found.size), leaf_hash(found.record)
    verify_inclusion(leaf, index, found.size, root, found.proof)
    entry = decode_entry(found.record)
    return rooms.pages.page(
        request, "audit_entry", found=found, entry=entry, at=_at(entry), leaf=leaf, root=root, origin=audit.log.origin
    )


def audit_of(rooms: Rooms) -> Audit:
    """The audit log; 404 where this installation keeps none."""
    if rooms.audit is None:
        raise NotFoundException
    return rooms.audit


def _at(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.at, UTC)


AUDIT_PAGES = Router(
    "/operator/audit", route_handlers=[entries_page, entry_page], guards=[operators_only], opt=OFFICERS
)
