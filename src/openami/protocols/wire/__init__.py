"""Cursor, declared codecs, checksums and limits: what every protocol is built from."""
