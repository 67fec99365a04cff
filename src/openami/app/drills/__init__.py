"""Drills: attacks played against the real parts in memory, each with a twin whose guard is taken away."""
