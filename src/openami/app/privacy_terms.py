"""The terms of personal data as the configuration file says."""

from __future__ import annotations

from openami.app.settings import Settings
from openami.portal.privacy import Terms


def terms_of(settings: Settings) -> Terms:
    """How long what belongs to a person is kept."""
    section = settings.privacy
    return Terms(section.identity_days, section.intervals_days, section.keep_days, section.backup_days)
