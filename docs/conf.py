"""How the documentation is built."""

import sys
from pathlib import Path

from openami import __version__

project = "OpenAMI"
author = "The OpenAMI developers"
copyright = "2026, The OpenAMI developers"  # noqa: A001 - the generator's name for it
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "reference/enrolment.md"]
html_theme = "furo"
html_title = "OpenAMI"
html_static_path: list[str] = []
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
nitpicky = False
suppress_warnings = ["ref.python"]  # `type[...]` in a signature is not the field called type

sys.path.insert(0, str(Path(__file__).parent))
import generate  # noqa: E402 - lies beside this file

generate.write()
