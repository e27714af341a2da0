"""Log lines carry ids, counts and kinds of error: never a name, a drug, an address or a value."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.house import Module, everything, planted

LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "msg", "log"}
LOGGERS = {"log", "logger", "_log", "logging"}
COUNTS = {
    "ahead_seconds", "busy_shards", "closed", "days", "doses", "failed", "given_up", "missed", "not_reminded",
    "postponed", "rules", "sent", "shards", "stale", "told", "waiting",
}  # fmt: skip
KINDS = {
    "code",
    "error",
    "reason",
    "sqlstate",
    "where",
}  # our name of a failure, its class, PostgreSQL's code, file and line


def _said(module: Module) -> Iterator[str]:
    """Log calls that say more than they may, or not in the form of an event."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in ("bind", "bind_contextvars", "bound_contextvars", "new"):
            yield from _keywords(module, node)
        elif node.func.attr in LEVELS and _is_logger(node.func.value):
            event = node.args[0] if len(node.args) == 1 else None
            if not isinstance(event, ast.Constant) or not re.fullmatch(r"[a-z_]+\.[a-z_]+", str(event.value)):
                yield f"{module.at(node)} is not one event by name: {ast.unparse(node)}"
            if node.func.attr == "exception":
                yield f"{module.at(node)} would print the values in an exception"
            yield from _keywords(module, node)


def _is_logger(value: ast.expr) -> bool:
    called = ast.unparse(value)
    return called in LOGGERS or called.rpartition(".")[2].startswith(("get_logger(", "getLogger("))


def _keywords(module: Module, call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        name = keyword.arg or "**"
        if not (name.endswith("_id") or name == "shard" or name in COUNTS | KINDS):
            yield f"{module.at(call)} logs {name}"
        if name == "error" and not re.fullmatch(r"type\(\w+\)\.__name__", ast.unparse(keyword.value)):
            yield f"{module.at(call)} logs an error by more than its class"


def test_log_lines_are_event_names_ids_and_counts() -> None:
    assert not [finding for module in everything() for finding in _said(module)]


@pytest.mark.parametrize(
    "line",
    [
        'log.info("doses.taken", medicine_name=name)',
        'log.info(f"taken by {person}")',
        'log.info("doses.taken", person)',
        'log.info("Taken")',
        'log.warning("mail.failed", error=str(error))',
        'log.warning("mail.failed", **row)',
        'log.exception("mail.failed")',
        'structlog.get_logger().info("mail.sent", address=to)',
        'logging.getLogger("x").error("it failed: %s", error)',
        "structlog.contextvars.bind_contextvars(email=email)",
    ],
)
def test_a_planted_indiscretion_is_seen(line: str) -> None:
    assert list(_said(planted(line)))


def test_ids_counts_and_kinds_may_be_said() -> None:
    line = (
        'log.warning("doses.swept", dose_id=1, shard=2, told=3, error=type(error).__name__)\nlog.append(session, facts)'
    )

    assert not list(_said(planted(line)))
