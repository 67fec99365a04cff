"""`openami`: all commands, and the one place where an error becomes an exit status."""

from __future__ import annotations

import gc
import importlib
import keyword
import signal
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from types import ModuleType
from typing import Annotated, Any

import typer

from openami import __version__
from openami.cli.output import print_error
from openami.model.errors import OpenAmiError

COMMANDS = (
    "demo",
    "init",
    "enrol",
    "account",
    "separate",
    "up",
    "meter",
    "read",
    "check",
    "decode",
    "listen",
    "p1",
    "sml",
    "capture",
    "readings",
    "simulate",
    "drill",
    "ask",
    "approve",
    "order",
    "passkey",
)
GROUPS = {
    "district": ("new",),
    "mbus": ("scan", "read", "set", "play"),
    "wmbus": ("listen", "set", "read", "repeat", "play"),
    "optical": ("read", "write"),
    "security": ("transfer", "agree", "request", "import", "export", "remove"),
    "image": ("send", "broadcast"),
    "mdm": (
        "judge",
        "close",
        "kpis",
        "recent",
        "explain",
        "rules",
        "rulesets",
        "methods",
        "score",
        "import",
        "export",
        "bill",
        "balance",
        "edit",
        "crossed",
    ),
    "people": ("invite", "show", "remove"),
    "plan": ("show", "prepare", "activate", "ask"),
    "registry": ("import", "export"),
    "audit": ("show", "check", "keys"),
    "keys": ("roll", "pending"),
    "continuity": ("probe", "prepare", "choose"),
    "privacy": ("show", "due", "forget", "move"),
    "release": ("make", "check", "installed", "advisories"),
    "token": ("make", "show", "withdraw"),
    "store": ("check", "upgrade", "retire", "distribute"),
    "field": ("commission", "read", "exchange", "retire"),
    "collector": ("public", "wake", "bundle", "apply"),
    "pki": (
        "root",
        "subordinate",
        "certify",
        "adopt",
        "request",
        "sign",
        "install",
        "deny",
        "key",
        "meter",
        "public",
        "receive",
        "expiring",
        "renew",
    ),
}
"""Commands with commands of their own: `openami mdm judge`."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it; commands that run until they are stopped end with 0."""


def _exiting(command: Callable[..., int | None]) -> Callable[..., None]:
    """What a command returns is its exit status; nothing means 0."""

    @wraps(command)
    def run_command(*arguments: Any, **options: Any) -> None:
        try:
            status = command(*arguments, **options) or 0
        except KeyboardInterrupt:
            status = INTERRUPTED
        raise typer.Exit(status)

    return run_command


def make_app(commands: Iterable[str] = (*COMMANDS, *GROUPS)) -> typer.Typer:
    """The command line with these commands; each is imported, so that one alone starts in a fraction of the time."""
    app = typer.Typer(
        name="openami",
        help="An advanced metering infrastructure that anyone can run.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(openami)
    for name in commands:
        module = importlib.import_module(f"openami.cli.{name}")
        if name in GROUPS:
            app.add_typer(_group(name, module), name=name)
        else:
            app.command(name)(_exiting(getattr(module, name)))
    return app


def _group(name: str, module: ModuleType) -> typer.Typer:
    summary = (module.__doc__ or "").partition(": ")[2]
    group = typer.Typer(help=summary[:1].upper() + summary[1:], no_args_is_help=True)
    for command in GROUPS[name]:
        function = f"{command}_" if keyword.iskeyword(command) else command
        group.command(command)(_exiting(getattr(module, function)))
    return group


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"openami {__version__}")
        raise typer.Exit


def openami(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """An advanced metering infrastructure that anyone can run."""


COLLECTION = (10_000, 10, 10)
"""When Python looks for garbage in cycles: readings come by ten thousands and make none, and looking after each 700
objects took a fifth of an intake.
"""


def main() -> None:
    """Run one command; exit 0 if it did what was asked, 1 with a clear message if not, 130 when interrupted.

    Being told to end, and a terminal that goes away, are interruptions like Ctrl-C: what a command made is cleaned up.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with SIGINT ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    gc.set_threshold(*COLLECTION)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status."""
    known = (*COMMANDS, *GROUPS)
    wanted = arguments[:1] if arguments and arguments[0] in known else known
    try:
        make_app(wanted)(arguments, prog_name="openami")
    except SystemExit as end:
        return end.code if end.code in {0, INTERRUPTED} else int(end.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OpenAmiError as error:
        print_error(str(error))
    except BaseExceptionGroup as group:
        return _run_group(group)
    except OSError as error:
        print_error(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
    return 1


def _run_group(group: BaseExceptionGroup[BaseException]) -> int:
    """Several parts ended at once: tell what each says; what is no error of ours goes on as it is."""
    ours, others = group.split(OpenAmiError)
    if others is not None or ours is None:
        raise group
    for error in ours.exceptions:
        print_error(str(error))
    return 1
