"""The supervisor's own log, on standard error: text, or a JSON object per line."""

import json
import logging
import sys
from datetime import UTC, datetime

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
NAMES = {logging.WARNING: "warning", logging.CRITICAL: "fatal"}


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        parts = (f"{key}={json.dumps(value)}" for key, value in _fields(self, record).items())
        return " ".join(parts)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_fields(self, record))


def _fields(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, str]:
    fields = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        "level": NAMES.get(record.levelno, record.levelname.lower()),
        "msg": record.getMessage(),
    }
    if record.exc_info and record.exc_info[1] is not None:
        fields["error"] = str(record.exc_info[1])
        fields["stack"] = formatter.formatException(record.exc_info)
    return fields


def set_up(level: str, form: str) -> None:
    """Send every record of `level` and above to standard error, as `form`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    for noisy in ("hpack", "h2", "asyncio", "grpclib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
