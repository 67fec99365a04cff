"""What all sections of the configuration file are: a table whose settings carry their comments."""

from __future__ import annotations

import msgspec


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file. A field's `Meta.description` is its comment and its documentation."""
