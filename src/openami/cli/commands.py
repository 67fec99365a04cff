"""`openami`: all commands, and the one place where an error becomes an exit status."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

import click
import typer

from openami import __version__
from openami.cli.output import print_error
from openami.model.errors import OpenAmiError

app = typer.Typer(
    name="openami",
    help="An advanced metering infrastructure that anyone can run.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = ("demo", "meter", "read", "decode", "listen", "capture")

for _name in COMMANDS:
    _command = getattr(importlib.import_module(f"openami.cli.{_name}"), _name)
    app.command(_name)(_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"openami {__version__}")
        raise typer.Exit


@app.callback()
def openami(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """An advanced metering infrastructure that anyone can run."""


def main() -> None:
    """Run one command; exit 0 if it did what was asked, 1 with a clear message if not, 130 when interrupted."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status."""
    try:
        result = app(arguments, prog_name="openami", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 1
    except (click.Abort, KeyboardInterrupt):
        return 130
    except OpenAmiError as error:
        print_error(str(error))
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print_error(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
        return 1
    return result if isinstance(result, int) else 0
