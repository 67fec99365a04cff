"""The ways of a collector to its head-end: over its own network, then over neighbours that forward."""

from __future__ import annotations

import ssl
from pathlib import Path

from openami.app.field_sections import Collector as Section
from openami.app.settings import address
from openami.field.collector.uplink import Way
from openami.io.links.link import Link
from openami.io.links.tcp import connect_tcp
from openami.model.errors import SettingError


def ways(folder: Path, section: Section) -> list[Way]:
    """Own WAN first, then the neighbours; whoever carries it, TLS is with the head-end."""
    hosts = [address(section.headend, "collector.headend")]
    hosts += [address(each, "collector.neighbours") for each in section.neighbours]
    return [_way(folder, section, host, port) for host, port in hosts]


def _way(folder: Path, section: Section, host: str, port: int) -> Way:
    async def call() -> Link:
        # read anew for each call: a certificate that was rolled over is used from the next connection on
        context = _client_context(folder / section.headend_authority, folder / section.certificate)
        return await connect_tcp(host, port, tls=context, server_name=section.headend_name)

    return call


def _client_context(authority: Path, own: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    for setting, load, file in (
        ("headend_authority", context.load_verify_locations, authority),
        ("certificate", context.load_cert_chain, own),
    ):
        try:
            load(file)
        except OSError as error:  # ssl.SSLError is one
            raise SettingError(f"collector.{setting} {file}: {error.strerror or error}") from error
    return context
