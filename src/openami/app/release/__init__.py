"""Releases: what is installed is what was locked, built and signed."""
