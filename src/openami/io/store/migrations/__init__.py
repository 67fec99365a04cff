"""The schema's history, in Alembic's form; `io.store` tells how rooms take part."""
