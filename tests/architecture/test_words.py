"""What is written about the project is there, and nothing is written that belongs to one machine."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from openami.app.settings import Settings, fields, sections
from openami.cli.commands import COMMANDS, make_app
from openami.protocols.dlms.authentication import Authentication

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = {
    "cli.md": "cli_page",
    "settings.md": "settings_page",
    "enrolment.md": "enrolment_table",
    "mbus-enrolment.md": "mbus_enrolment_table",
    "port-enrolment.md": "port_enrolment_table",
    "cosem.md": "cosem_page",
    "drills.md": "drills_page",
    "dlms-features.md": "features_page",
}
GENERATED_PAGES = tuple(GENERATED)
IMAGE_BYTES_MAX = 150_000
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.-])/(?:work|root|home/[a-z]\w*)/|/tmp/[a-z]"
    r"|https?://[^/\s]*\b(?:registry|mirror|artifactory|nexus|proxy|pypi)\b"
    r"|\b(?:index-url|extra-index|trusted-host|PIP_INDEX)",
    re.IGNORECASE,
)
SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:ghp|gho|glpat|AKIA|xox[bp])[_-]?[A-Za-z0-9]{16,}")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("no git repository: what is tracked is not known")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def text_of(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.fixture(scope="module")
def generate():
    found = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_every_command_and_option_is_documented(generate):
    page = generate.cli_page()
    assert {info.name for info in make_app().registered_commands} == set(COMMANDS)
    for name in COMMANDS:
        assert f"## `openami {name}`" in page
    for row in page.splitlines():
        if row.startswith("| `"):
            assert row.split("|")[2].strip(), f"no explanation: {row}"


def test_every_setting_is_documented(generate):
    page = generate.settings_page()
    for name, section in sections(Settings()):
        assert f"## `[{name}]`" in page
        for setting, description, _ in fields(section):
            assert f"| `{setting}` |" in page
            assert description in page


def test_every_mechanism_is_told():
    page = (DOCS / "reference" / "dlms.md").read_text()
    for mechanism in Authentication:
        word = mechanism.name.replace("HLS", "HLS ")
        assert word in page or word.lower() in page, word


def test_every_page_of_the_index_is_there_and_every_page_is_in_the_index(generate):
    named = set()
    for index in (DOCS / "index.md", DOCS / "decisions" / "index.md"):
        for block in re.findall(r"```\{toctree\}\n(.*?)```", index.read_text(), re.DOTALL):
            for line in block.split():
                if not line.startswith(":") and "/" in line:
                    named.add(f"{line}.md")
    for name in named - {f"reference/{page}" for page in GENERATED}:
        assert (DOCS / name).is_file(), name
    for page, function in GENERATED.items():
        assert getattr(generate, function)().strip(), page
    included = {"index.md", *(f"reference/{kind}enrolment.md" for kind in ("", "mbus-", "port-"))}
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).as_posix()
        if "_build" not in name and not name.startswith("decisions/"):
            assert name in named | included, f"{name} is in no table of contents"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs"])
def test_links_lead_somewhere(page):
    files = sorted((ROOT / page).rglob("*.md")) if (ROOT / page).is_dir() else [ROOT / page]
    for file in files:
        for target in LINK.findall(file.read_text()):
            if "://" in target or "_build" in str(file) or target.endswith(GENERATED_PAGES):
                continue
            assert (file.parent / target).exists(), f"{file.relative_to(ROOT)}: {target}"


def test_the_readme_names_both_commands_and_the_licence():
    text = (ROOT / "README.md").read_text()
    assert text.index("make demo") < text.index("make test")
    assert "Apache-2.0" in text
    assert (ROOT / "CHANGELOG.md").read_text().startswith("# Changelog")
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_no_tracked_file_speaks_of_one_machine():
    for path in tracked():
        if path == Path(__file__):
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            assert not OF_ONE_MACHINE.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
            assert not SECRETS.search(line), f"{path.relative_to(ROOT)}:{number}: a secret"


def test_what_is_looked_for_would_be_found():
    assert OF_ONE_MACHINE.search("see /" + "work/main")
    assert OF_ONE_MACHINE.search("--extra-index" + "-url x")
    assert SECRETS.search("-----BEGIN " + "PRIVATE KEY-----")


def test_pictures_are_small():
    for path in (DOCS / "images").glob("*.png"):
        assert path.stat().st_size <= IMAGE_BYTES_MAX, path.name
