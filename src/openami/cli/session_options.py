"""The options by which a command reaches a meter, declared once for all commands that do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from openami.cli.key_files import KeyFiles, symmetric_key
from openami.cli.session import AuthenticationName, FramingName, KeyChoiceName, SessionOptions
from openami.protocols.dlms.security import Secret, SecuritySuite

EncryptionKeyOption = Annotated[
    str | None,
    typer.Option(envvar="OPENAMI_ENCRYPTION_KEY", help="Global unicast encryption key in hexadecimal (or @FILE)."),
]
AuthenticationKeyOption = Annotated[
    str | None, typer.Option(envvar="OPENAMI_AUTHENTICATION_KEY", help="Authentication key in hexadecimal (or @FILE).")
]


def _session(
    link: Annotated[
        str, typer.Argument(help="Where the meter is: `tcp://host:port`, `serial:///dev/ttyUSB0?baudrate=9600`.")
    ],
    *,
    framing: Annotated[
        FramingName | None, typer.Option(help="Framing; wrapper on TCP and HDLC on serial lines by default.")
    ] = None,
    client: Annotated[int, typer.Option(min=1, max=127, help="Client address (SAP): 16 is the public client.")] = 16,
    server: Annotated[int, typer.Option(min=0, max=16383, help="Logical device (SAP) of the meter.")] = 1,
    physical: Annotated[
        int | None, typer.Option(min=0, max=16383, help="Physical device address on an HDLC line.")
    ] = None,
    authentication: Annotated[
        AuthenticationName, typer.Option(help="How to authenticate; without authentication no keys are used.")
    ] = AuthenticationName.NONE,
    password: Annotated[
        str | None, typer.Option(envvar="OPENAMI_PASSWORD", help="Password of LLS; better given in the environment.")
    ] = None,
    encryption_key: EncryptionKeyOption = None,
    authentication_key: AuthenticationKeyOption = None,
    suite: Annotated[int, typer.Option(min=0, max=2, help="Security suite of the keys.")] = 0,
    hls_secret: Annotated[
        str | None,
        typer.Option(envvar="OPENAMI_HLS_SECRET", help="Secret of HLS 2 (AES), 3, 4, 6; better in the environment."),
    ] = None,
    allow_weak: Annotated[
        bool, typer.Option("--allow-weak", help="Take HLS 3 (MD5) and 4 (SHA-1) although their hashes are broken.")
    ] = False,
    signing_key: Annotated[
        Path | None, typer.Option(help="File of our private signing key (PEM or DER): HLS 7, signatures.")
    ] = None,
    meter_signing_certificate: Annotated[
        Path | None, typer.Option(help="File of the meter's signing certificate or public key.")
    ] = None,
    agreement_key: Annotated[Path | None, typer.Option(help="File of our private key agreement key.")] = None,
    meter_agreement_certificate: Annotated[
        Path | None, typer.Option(help="File of the meter's key agreement certificate or public key.")
    ] = None,
    master_key: Annotated[
        str | None,
        typer.Option(envvar="OPENAMI_MASTER_KEY", help="Master key, which wraps other keys (or @FILE)."),
    ] = None,
    general_ciphering: Annotated[
        KeyChoiceName | None, typer.Option(help="Use general-ciphering, with its key named or made in this way.")
    ] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign requests and insist on signed answers.")] = False,
    system_title: Annotated[
        str | None, typer.Option(help="Our system title in hexadecimal; by default one made once for this machine.")
    ] = None,
    meter_system_title: Annotated[
        str | None, typer.Option(help="Insist on this system title of the meter, in hexadecimal.")
    ] = None,
    general_glo: Annotated[bool, typer.Option("--general-glo", help="Use general-glo-ciphering.")] = False,
    invocation_counter: Annotated[
        int,
        typer.Option(min=0, max=2**32 - 1, help="Send at least this invocation counter."),
    ] = 0,
    timeout: Annotated[float, typer.Option(min=0.1, help="How long to wait for an answer, seconds.")] = 10.0,
    authority: Annotated[
        Path | None, typer.Option(help="Certificate (PEM) of the authority that a tls:// meter is trusted by.")
    ] = None,
) -> SessionOptions:
    chosen = SecuritySuite(suite)
    return SessionOptions(
        link, framing, client, server, physical, authentication, _text(password),
        _key("--encryption-key", encryption_key, chosen), _key("--authentication-key", authentication_key, chosen),
        system_title, meter_system_title, general_glo, invocation_counter, timeout, authority,
        chosen, _text(hls_secret), _key("--master-key", master_key, chosen),
        KeyFiles(signing_key, meter_signing_certificate, agreement_key, meter_agreement_certificate),
        general_ciphering, sign, allow_weak,
    )  # fmt: skip


def _text(secret: str | None) -> Secret | None:
    return None if secret is None else Secret(secret.encode())


def _key(option: str, text: str | None, suite: SecuritySuite) -> Secret | None:
    return None if text is None else symmetric_key(option, text, suite)


_SHARED = inspect.signature(_session).parameters
_HINTS = get_type_hints(_session, include_extras=True)


def reaching_a_meter(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command whose first parameter is `options: SessionOptions` the options of a session in its place.

    The link comes first, then the command's own arguments and options, then how the meter is reached.
    """

    @wraps(command)
    def reach(**given: Any) -> int | None:
        options = _session(**{name: given.pop(name) for name in _SHARED})
        return command(options, **given)

    made: Any = reach  # typer asks it for its signature
    hints = get_type_hints(command, include_extras=True)
    _, *own = inspect.signature(command).parameters.values()
    link, *shared = _SHARED.values()
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (link, *own, *shared)]
    annotations = {**_HINTS, **hints}
    made.__signature__ = inspect.Signature([one.replace(annotation=annotations[one.name]) for one in parameters])
    reach.__annotations__ = {one.name: annotations[one.name] for one in parameters}
    return reach
