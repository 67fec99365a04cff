"""Meters as data: records of real ones, companion profiles, and how the two differ."""
