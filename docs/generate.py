"""Reference pages that are written from the declarations themselves: commands, settings, interface classes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from openami.app.drills.all_drills import all_drills
from openami.app.drills.catalogue import catalogue, requirements
from openami.app.enrolment import EnrolmentLine, Line, columns, required_columns
from openami.app.mbus_enrolment import MbusLine
from openami.app.port_enrolment import PortLine
from openami.app.settings import Settings, fields, sections
from openami.cli.commands import make_app
from openami.protocols.dlms.conformance import CLIENT_CONFORMANCE, SERVER_CONFORMANCE, Conformance
from openami.protocols.dlms.cosem.catalogue import CLASS_NAMES, MODULES
from openami.protocols.dlms.cosem.interface_class import INTERFACE_CLASSES

HERE = Path(__file__).parent / "reference"


def cli_page() -> str:
    """Every command with its arguments and options."""
    group: Any = typer.main.get_command(make_app())
    parts = [
        "# Commands\n",
        "Every command takes `--help`. Results go to standard output, errors to standard error in one line that",
        "begins with `error:`; the exit status is 0 when the command did what was asked and 1 when it did not.\n",
    ]
    for name, command in _commands(group):
        parts += [f"## `openami {name}`\n", f"{(command.help or '').strip()}\n", *_parameters(command)]
    return "\n".join(parts)


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each command by its name; those of a group right after it."""
    for name, command in sorted(group.commands.items()):
        yield prefix + name, command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")


def settings_page() -> str:
    """Every setting of the configuration file."""
    parts = [
        "# Settings\n",
        "`openami init` writes a configuration file in which every setting stands with its comment and default.",
        "Paths are relative to the file. An unknown or wrong setting is refused with its name.\n",
    ]
    for name, section in sections(Settings()):
        parts += [f"## `[{name}]`\n", f"{type(section).__doc__}\n", "| Setting | Default | Meaning |", "|---|---|---|"]
        parts += [f"| `{field}` | `{value}` | {description} |" for field, description, value in fields(section)]
        parts.append("")
    return "\n".join(parts)


def enrolment_table(kind: type[Line] = EnrolmentLine) -> str:
    """The columns of the file of `openami enrol`, those first that it must have."""
    required = required_columns(kind)
    rows = sorted(columns(kind), key=lambda column: column[0] not in required)
    lines = ["| Column | Required | Meaning |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {'yes' if name in required else ''} | {text} |" for name, text in rows)])


def mbus_enrolment_table() -> str:
    """The columns of a file of M-Bus meters."""
    return enrolment_table(MbusLine)


def port_enrolment_table() -> str:
    """The columns of a file of meters at consumer ports."""
    return enrolment_table(PortLine)


def cosem_page() -> str:
    """Every declared interface class, and the services of the conformance block."""
    parts = [
        "# Interface classes and services\n",
        "Written from the declarations that meter and client are made of. No edition of the Blue Book was at hand",
        "for them; each module in `openami.protocols.dlms.cosem` says in its docstring what was.\n",
        "## Services\n",
        "What the conformance block of an association carries when settings do not say otherwise.\n",
        "| Service | Our client proposes | Our server agrees |",
        "|---|---|---|",
    ]
    for one in Conformance:
        ours, theirs = ("yes" if one in block else "" for block in (CLIENT_CONFORMANCE, SERVER_CONFORMANCE))
        parts.append(f"| {str(one.name).lower().replace('_', '-')} | {ours} | {theirs} |")
    for module in MODULES.values():
        import_module(f"openami.protocols.dlms.cosem.{module}")
    parts += [
        "",
        "## Interface classes\n",
        "| Class id | Version | Class | Attributes | Methods |",
        "|---|---|---|---|---|",
    ]
    for (class_id, version), declared in sorted(INTERFACE_CLASSES.items()):
        attributes = ", ".join(f"{one.attribute_id} {one.name}" for one in declared.ATTRIBUTES.values())
        methods = ", ".join(f"{one.method_id} {one.name}" for one in declared.METHODS.values())
        parts.append(
            f"| {class_id} | {version} | {CLASS_NAMES.get(class_id, declared.__name__)} | {attributes} | {methods} |"
        )
    return "\n".join([*parts, ""])


def drills_page() -> str:
    """Attack, drill and requirement, by the catalogue."""
    played: dict[str, list[str]] = {}
    for one in all_drills():
        played.setdefault(one.id, []).append(one.name)
    parts = [
        "# Drills\n",
        "`openami drill` plays the attacks of this catalogue against the real parts, in memory, each with what its",
        "position has. A drill is green when the attack fails. Its twin is the same attack with one guard taken away,",
        "and must be red: a guard that nobody misses guards nothing. All of them run in `make test`.\n",
        f"{len(played)} of the {len(catalogue())} attacks have a drill. Ids above A103 were added by us.\n",
        "The last columns name where others ask for the same. Of the NIST AMI security profile only the component is",
        "named, since its text was not at hand; clauses of the other documents are as our sources cite them.\n",
        "| Id | Position | Attack | Safe result | Drills | NIST AMI profile | BSI | GB | ASVS |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in catalogue():
        drills = "; ".join(played.get(one.id, ())) or f"none: {one.waits_for}"
        cells = (one.id, f"{one.position} ({one.priority})", one.attack, one.safe_result, drills)
        row = (*cells, one.nist_ami_profile, one.tr_03109, one.gb, one.asvs)
        parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    parts += ["\n## By requirement\n", "| Requirement | Played | Not played |", "|---|---|---|"]
    for requirement, attacks in requirements().items():
        done = " ".join(attack.id for attack in attacks if attack.id in played)
        parts.append(f"| {requirement} | {done} | {' '.join(a.id for a in attacks if a.id not in played)} |")
    return "\n".join([*parts, ""])


def features_page() -> str:
    """What of DLMS/COSEM is spoken, by us and by the peer, each with the test that shows it."""
    parts = [
        "# DLMS/COSEM: feature × ours/gurux\n",
        "Each cell leads to the test that shows it. The second column is what gurux-dlms 1.0.203 did when it was",
        "connected with our meter; where it is empty nobody tried, which says nothing about that library.\n",
    ]
    for group in tomllib.loads((HERE / "dlms-features.toml").read_text())["group"]:
        parts += [f"## {group['name']}\n", "| What | Ours | gurux-dlms |", "|---|---|---|"]
        for row in group["rows"]:
            peer = _shown_by(row["peer"], row["peer_test"]) if "peer" in row else ""
            parts.append(f"| {row['what']} | {_shown_by(row['ours'], row['test'])} | {peer} |")
        parts.append("")
    return "\n".join(parts)


def _shown_by(text: str, test: str) -> str:
    file, _, name = test.partition("::")
    return f'[{text}](../../{file} "{name}")'


def _parameters(command: Any) -> list[str]:
    rows = ["| Argument or option | Meaning | Default |", "|---|---|---|"]
    for parameter in command.params:
        if parameter.name in {"help", "install_completion", "show_completion"}:
            continue
        option = parameter.param_type_name == "option"
        label = ", ".join([*parameter.opts, *parameter.secondary_opts]) if option else (parameter.name or "").upper()
        default = "" if parameter.default in (None, False, ()) or callable(parameter.default) else parameter.default
        text = (getattr(parameter, "help", None) or "").replace("|", "\\|").replace("\n", " ")
        rows.append(f"| `{label}` | {text} | {f'`{default}`' if default != '' else ''} |")
    return [*rows, ""] if len(rows) > 2 else []


def write() -> None:
    """Write the pages where the documentation expects them."""
    (HERE / "cli.md").write_text(cli_page())
    (HERE / "settings.md").write_text(settings_page())
    (HERE / "enrolment.md").write_text(enrolment_table())
    (HERE / "mbus-enrolment.md").write_text(mbus_enrolment_table())
    (HERE / "port-enrolment.md").write_text(port_enrolment_table())
    (HERE / "cosem.md").write_text(cosem_page())
    (HERE / "drills.md").write_text(drills_page())
    (HERE / "dlms-features.md").write_text(features_page())


if __name__ == "__main__":
    write()
