"""The ways in which a client associates with the server of `dlms_pair`."""

from __future__ import annotations

from dlms_pair import client_settings, password_settings, plain_settings

WAYS = {"plain": plain_settings, "password": password_settings, "hls5": client_settings}
