"""Encrypted records on the wired bus: the long header names meter, access number and mode, as on the air."""

from __future__ import annotations

from dataclasses import replace

from openami.protocols.mbus.application import Application, Content
from openami.protocols.mbus.records import decode_records
from openami.protocols.mbus.wireless import transport
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.opening import Opened, Parties, Protection, open_content
from openami.protocols.mbus.wireless.reader import plausible_records


def open_application(application: Application, keys: KeyStore) -> tuple[Application, Opened | None]:
    """`application` with its records, and how they were opened; as it came, where it is not sealed or stays closed.

    Raises `DecodeError` for opened bytes that are no records.
    """
    meter = application.address
    if application.content is not Content.SEALED or meter is None:
        return application, None
    header = transport.Transport(
        application.ci, transport.Content.RECORDS, 0, 0, meter, application.access_number, application.status,
        application.configuration,
    )  # fmt: skip
    who = Parties(meter, meter, keys.of(meter))
    opened = open_content(header, application.data, who, None, plausible_records, verified=False)
    if opened.protection is Protection.CLOSED:
        return application, opened
    records = decode_records(opened.content + opened.tail)
    return replace(application, content=Content.RECORDS, records=records), opened
