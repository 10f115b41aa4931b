"""Log lines on standard error: for people, or one JSON object a line for machines."""

from __future__ import annotations

import datetime
import json
import logging
import sys

from searchd.errors import ConfigError
from searchd.settings import LogSettings

_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, and the fields given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; line breaks inside values are escaped, so a value cannot forge a line."""
        line: dict[str, object] = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _PLAIN}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """``12:30:01 warning: message``; control characters are shown as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by a traceback when there is one."""
        time = datetime.datetime.fromtimestamp(record.created).astimezone()
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.getMessage())
        trace = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        return f"{time:%H:%M:%S} {level}{text}{trace}"


def configure(settings: LogSettings) -> None:
    """Send all loggers to standard error as the settings say. Raises ConfigError for an unknown level or format."""
    levels = logging.getLevelNamesMapping()
    if settings.level.upper() not in levels:
        raise ConfigError(f"log.level = {settings.level!r}", "use debug, info, warning or error")
    if settings.format not in ("text", "json"):
        raise ConfigError(f"log.format = {settings.format!r}", "use text or json")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.format == "json" else TextFormatter())
    logging.basicConfig(level=levels[settings.level.upper()], handlers=[handler], force=True)
