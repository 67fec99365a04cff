"""Rows that take less space, and whatever else the fourth schema has."""
