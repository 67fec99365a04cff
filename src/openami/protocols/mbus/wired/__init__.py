"""Wired M-Bus (EN 13757-2): frames, the primary that asks, the secondary that answers, and their procedures."""
