"""One JSON object per line for whoever collects logs: time (RFC 3339, UTC), level, logger, message."""

import json
import logging
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """Tracebacks stand in `exception`, without the message of the exception: it may quote an event."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)
