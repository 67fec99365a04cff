"""Logs: one line a record. What others have sent stands in it with control characters escaped, so that nobody can
write lines of his own; the lines of a traceback begin with a bar.
"""

from __future__ import annotations

import logging
import sys
from types import TracebackType

import structlog

_BAR = "    | "


class OneLine(logging.Formatter):
    """Time, level, logger and message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, without the traceback."""
        return escaped(super().formatMessage(record))

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """The traceback, whose lines cannot be taken for records."""
        return "\n".join(_BAR + escaped(line) for line in super().formatException(ei).splitlines())


def escaped(text: str) -> str:
    """`text` with what is not printable as Python writes it: line ends, terminal controls, turns of direction."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def begin_logging() -> None:
    """All logs of this process to standard error; those with fields are JSON behind the logger's name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
