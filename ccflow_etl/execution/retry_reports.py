"""Attempts as ccflow's lifecycle events."""

import logging
import secrets
from collections.abc import Callable
from typing import Any

from ccflow.utils.reporting import (
    Reporter,
    ReportEvent,
    ReportPhase,
    current_run_id,
    current_span_depth,
    current_span_id,
)

from .retry import RetryEvent, RetryPolicy

__all__ = ["reporting_to"]

log = logging.getLogger(__name__)


def reporting_to(
    reporter: Reporter, policy: RetryPolicy, model_name: str, context_repr: str = ""
) -> Callable[[RetryEvent], None]:
    """An ``on_event`` of :func:`run_with_retry` that tells a ccflow reporter of one call's attempts.

    They are the events of ccflow's own retries, in one span below the current one: ``SUCCESS``, or ``ERROR`` followed
    by ``RETRY`` (with the ``delay`` in its ``extra``) or ``GIVE_UP``. ``extra`` also has the ``category`` of a failure
    and its ``status_code``. A reporter that fails changes nothing: the log says so.

    >>> from ccflow.utils.reporting import InMemoryReporter
    >>> reporter = InMemoryReporter()
    >>> tell = reporting_to(reporter, RetryPolicy(max_attempts=2), "Fetch")
    >>> tell(RetryEvent(attempt=1, outcome="retry", delay_seconds=2.0, status_code=503, category="server_error"))
    >>> [(event.phase.value, event.extra.get("delay")) for event in reporter.events]
    [('ERROR', None), ('RETRY', 2.0)]
    """
    parent, depth = current_span_id(), current_span_depth()
    span = {
        "model_name": model_name,
        "context_repr": context_repr,
        "span_id": secrets.token_hex(8),
        "parent_span_id": parent,
        "run_id": current_run_id(),
        "depth": 0 if depth is None else depth + 1,
        "max_attempts": policy.max_attempts,
    }

    def emit(phase: ReportPhase, event: RetryEvent, **extra: Any) -> None:
        for name in ("category", "status_code"):
            if (value := getattr(event, name)) is not None:
                extra[name] = value
        try:
            reporter.emit(
                ReportEvent(
                    phase=phase,
                    attempt=event.attempt,
                    exception_type=event.exception_type,
                    exception_message=event.message,
                    extra=extra,
                    **span,
                )
            )
        except Exception:
            log.exception("%s failed to take the event %s; going on", type(reporter).__name__, phase.value)

    def tell(event: RetryEvent) -> None:
        if event.outcome == "success":
            emit(ReportPhase.SUCCESS, event)
            return
        emit(ReportPhase.ERROR, event)
        if event.outcome == "retry":
            emit(ReportPhase.RETRY, event, delay=event.delay_seconds)
        else:
            emit(ReportPhase.GIVE_UP, event)

    return tell
