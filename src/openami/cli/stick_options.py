"""Which stick, in the commands of wireless M-Bus."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class StickName(StrEnum):
    """Whose stream it is."""

    IMST = "imst"
    AMBER = "amber"
    CUL = "cul"
    RTL = "rtl"
    HEX = "hex"


StickOption = Annotated[
    StickName, typer.Option(help="The stick: imst, amber (Würth), cul, rtl (lines of rtl-wmbus) or hex (lines).")
]
LinkArgument = Annotated[str, typer.Argument(help="Where the stick is: serial:///dev/ttyUSB0, or tcp://host:port.")]
MeterArgument = Annotated[str, typer.Argument(help="The meter, as `listen` shows it: OAM.10000001.01.07.")]
GatewayOption = Annotated[str, typer.Option(help="The address that we speak under.")]
TimeoutOption = Annotated[float, typer.Option(help="Seconds until the meter must have answered.")]
CertificateOption = Annotated[
    Path | None, typer.Option(help="Own private key and certificate in one PEM file, for TLS (mode 13).")
]
AuthorityOption = Annotated[Path | None, typer.Option(help="Certificate of the authority that is trusted, PEM.")]
GATEWAY = "OAM.00000001.01.31"
