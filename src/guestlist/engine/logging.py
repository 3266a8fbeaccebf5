"""Log lines: for people on a terminal, JSON elsewhere; an event name plus fields, never a secret."""

from __future__ import annotations

import logging
import os
import re
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from guestlist.engine.errors import StartError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# They tell of every job and every request; what matters of it stands in tables.
_TALKATIVE = ("procrastinate", "psycopg.pool", "httpx2", "httpcore2")
_SECRET_FIELD = re.compile(r"secret|password|passwd|api_?key|authorization|cookie|(^|_)token($|_)", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^:/@\s]*):[^@/\s]+@")


def configure_logging(level: str | None = None) -> None:
    """Send structlog's and the standard library's lines to stderr.

    Args:
        level: used unless GUESTLIST_LOG_LEVEL is set; INFO if neither is.

    Raises:
        StartError: GUESTLIST_LOG_LEVEL is no level.
    """
    chosen = (os.environ.get("GUESTLIST_LOG_LEVEL", "").strip() or level or "INFO").upper()
    if chosen not in LEVELS:
        raise StartError(f'GUESTLIST_LOG_LEVEL is "{chosen}", which is no level.', f"Use one of {', '.join(LEVELS)}.")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        # The pretty tracebacks show the values of variables, secrets among them.
        ending = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_secrets,
                ending,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(chosen)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank fields that are named like secrets, and passwords inside addresses."""
    for name, value in event.items():
        if _SECRET_FIELD.search(name) and value:
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = _PASSWORD_IN_URL.sub(r"\1:***@", value)
    return event
