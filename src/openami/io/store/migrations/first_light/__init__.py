"""The tables of the first schema, one file per room."""
