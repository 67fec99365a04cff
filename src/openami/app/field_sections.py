"""Settings of the DMZ and the field: the head-end's relay, and a collector."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from openami.app.section import Section


class Headend(Section, frozen=True, kw_only=True):
    """The relay in the DMZ. It holds no key and no name."""

    listen: Annotated[str, Meta(description="Where the back office connects, host:port.")] = "127.0.0.1:4058"
    push_listen: Annotated[str, Meta(description="Where meters push to, host:port (TCP and UDP wrapper).")] = (
        "127.0.0.1:4059"
    )
    networks: Annotated[tuple[str, ...], Meta(description="Networks whose meters may be dialled; nothing else is.")] = (
        "127.0.0.0/8",
    )
    circuits: Annotated[int, Meta(ge=1, description="How many circuits may be open at once.")] = 10_000
    cells: Annotated[
        tuple[str, ...],
        Meta(description="Radio cells as NETWORK=CIRCUITS: how many circuits may be open at once into each network."),
    ] = ()
    collector_circuits: Annotated[
        int, Meta(ge=1, description="How many circuits may be open at once through one collector.")
    ] = 64
    spool: Annotated[
        str, Meta(description="Folder of the spool of pushes, or a stream in NATS: nats://host:4222/STREAM.")
    ] = "spool"
    spool_replicas: Annotated[
        int, Meta(ge=1, le=5, description="How many NATS servers keep the stream; one only with sync_interval: always.")
    ] = 3
    spool_bytes: Annotated[
        int, Meta(ge=1 << 16, description="How much the spool may hold; when it is full, pushes are refused.")
    ] = 1 << 30
    collector_listen: Annotated[
        str, Meta(description="Where collectors call in over TLS 1.3, host:port; empty: none may.")
    ] = ""
    collector_authority: Annotated[
        str, Meta(description="Certificate of the authority that vouches for collectors, PEM.")
    ] = "services/authority.pem"
    collector_deny_list: Annotated[
        str, Meta(description="List of collectors' certificates that were called back, signed; read again each minute.")
    ] = "services/denied.crl"
    collector_uploads: Annotated[str, Meta(description="Journal of how far each collector's spools were taken.")] = (
        "uploads.journal"
    )
    collector_bytes_per_s: Annotated[
        int, Meta(ge=1024, description="How fast one collector may upload, bytes per second.")
    ] = 4 << 20


class Collector(Section, frozen=True, kw_only=True):
    """A collector: it hears a neighbourhood, stores and forwards, lets circuits through.

    It holds no meter's key but those of `keyed_meters`, old ones that can be read in no other way.
    """

    name: Annotated[str, Meta(description="Its name, as in its certificate.")] = "collector-1"
    headend: Annotated[str, Meta(description="Where it calls in, host:port.")] = "127.0.0.1:4060"
    headend_name: Annotated[str, Meta(description="The name in the head-end's certificate.")] = (
        "headend.openami.localhost"
    )
    headend_authority: Annotated[
        str, Meta(description="Certificate of the authority that vouches for the head-end, PEM.")
    ] = "tls/zones.pem"
    certificate: Annotated[
        str, Meta(description="Its private key and certificate in one PEM file: see `openami pki`.")
    ] = "tls/collector.pem"
    spool: Annotated[str, Meta(description="Folder of what waits for the head-end.")] = "collector-spool"
    spool_bytes: Annotated[
        int, Meta(ge=1 << 20, description="How much may wait; beyond it the oldest is given up first.")
    ] = 256 << 20
    meters: Annotated[
        tuple[str, ...], Meta(description="Meters that are reached over TCP, each ADDRESS=host:port.")
    ] = ()
    push_listen: Annotated[str, Meta(description="Where these meters push to, host:port (TCP and UDP).")] = (
        "127.0.0.1:4062"
    )
    sticks: Annotated[
        tuple[str, ...],
        Meta(description="Wireless M-Bus sticks, each KIND=LINK, as cul=serial:///dev/ttyUSB0."),
    ] = ()
    stick_every_s: Annotated[
        int, Meta(ge=0, description="Of a meter's telegrams that look alike one in so many seconds goes on; 0: all.")
    ] = 300
    ports: Annotated[
        tuple[str, ...],
        Meta(description="Consumer ports of meters, each KIND=LINK with p1 or sml, as p1=serial:///dev/ttyUSB0."),
    ] = ()
    port_every_s: Annotated[
        int, Meta(ge=0, description="Of what a port says one message in so many seconds goes on; 0: all.")
    ] = 300
    keyed_meters: Annotated[
        str,
        Meta(
            description="File of old meters that the collector reads with keys it holds, unauthenticated; empty: none."
        ),
    ] = ""
    keyed_every_s: Annotated[int, Meta(ge=60, description="How often these meters are read.")] = 3600
    mesh: Annotated[
        str,
        Meta(description="Radio of a mesh, zep://HOST:PORT?peer=HOST:PORT, a peer for each neighbour; empty: none."),
    ] = ""
    mesh_folder: Annotated[
        str, Meta(description="Folder of the mesh: our station's key, the stations that may join, frame counters.")
    ] = "mesh"
    alarm_bytes: Annotated[
        int, Meta(ge=0, description="A push of at most so many bytes counts as an alarm and goes before the bulk.")
    ] = 160
    neighbours: Annotated[
        tuple[str, ...], Meta(description="Collectors that forward when the own WAN is lost, each host:port.")
    ] = ()
    forward_listen: Annotated[
        str, Meta(description="Where neighbours that lost their WAN are forwarded, host:port; empty: none are.")
    ] = ""
    status_listen: Annotated[str, Meta(description="The status page, host:port, on loopback; empty: none.")] = (
        "127.0.0.1:4061"
    )
    wake_listen: Annotated[str, Meta(description="Where wake-ups arrive (UDP), host:port; empty: none are taken.")] = ""
    wake_key: Annotated[
        str, Meta(pattern="^([0-9a-f]{64})?$", description="Ed25519 key that signs wake-ups, 64 hex digits.")
    ] = ""
    counters: Annotated[str, Meta(description="Journal of the wake-ups that came.")] = "collector.journal"
    bundles: Annotated[str, Meta(description="Folder of signed bundles of configuration and firmware.")] = "bundles"
    bundle_key: Annotated[
        str, Meta(pattern="^([0-9a-f]{64})?$", description="Ed25519 key that signs bundles, 64 hex digits.")
    ] = ""
    spread_s: Annotated[
        float, Meta(ge=0, description="Calling in begins at a random moment within so many seconds.")
    ] = 10.0
