"""Listeners: the reporters that hear of a model's evaluation, each told in the way of its policy."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from ccflow import CallableModel
from ccflow.utils.reporting import (
    AlertsPolicy,
    MetricsPolicy,
    ReportEvent,
    ReportingPolicy,
    ReportPhase,
    current_run_id,
)

__all__ = ["Listener", "listeners"]

log = logging.getLogger(__name__)

_METRICS = {ReportPhase.SUCCESS: "success", ReportPhase.ERROR: "error", ReportPhase.END: "latency"}


def listeners(model: CallableModel) -> "list[Listener]":
    """One for each reporter of the evaluator that the model is called through.

    >>> from ccflow import FlowOptions, FlowOptionsOverride
    >>> from ccflow.evaluators import LoggingEvaluator, MultiEvaluator
    >>> from ccflow.utils.reporting import NoOpReporter
    >>> from ccflow_etl import LocalWriteModel
    >>> both = MultiEvaluator(evaluators=[LoggingEvaluator(), LoggingEvaluator(reporter=NoOpReporter())])
    >>> with FlowOptionsOverride(options=FlowOptions(evaluator=both)):
    ...     len(listeners(LocalWriteModel()))
    1
    """
    evaluator = cast("Any", model).__call__.get_evaluator(model)
    found: dict[int, Listener] = {}
    # A reporter of several policies is told once, by the one that tells most.
    for policy in sorted(_policies(evaluator), key=lambda policy: isinstance(policy, AlertsPolicy)):
        found.setdefault(id(policy.reporter), Listener(policy))
    return list(found.values())


def _policies(evaluator: Any) -> Iterator[ReportingPolicy]:
    if isinstance(evaluator, ReportingPolicy) and evaluator.reporter is not None:
        yield evaluator
    for inner in getattr(evaluator, "evaluators", ()):
        yield from _policies(inner)


@dataclass(frozen=True)
class Listener:
    """A reporter, behind the policy that says what it is told."""

    policy: ReportingPolicy

    def is_told_by(self, others: "list[Listener]") -> bool:
        """Whether one of the others has the same reporter."""
        return any(other.policy.reporter is self.policy.reporter for other in others)

    def tell(
        self, phase: ReportPhase, model: CallableModel, context: Any, extra: dict[str, Any], **details: Any
    ) -> None:
        """Emit an event as ccflow's evaluators do; what the reporter raises is logged and goes no further."""
        policy = self.policy
        if isinstance(policy, AlertsPolicy):
            alerts = {ReportPhase.ERROR: policy.alert_on_error, ReportPhase.SUCCESS: policy.alert_on_success}
            if not alerts.get(phase):
                return
            details["priority"] = policy.priority
        if isinstance(policy, MetricsPolicy) and phase in _METRICS:
            seconds = details["duration"]
            value = seconds if phase is ReportPhase.END else 1
            extra = extra | {
                "metric": f"{policy.metric_prefix}.{_METRICS[phase]}",
                "value": value,
                "latency_seconds": seconds,
            }
        kind = type(model)
        event = ReportEvent(
            phase=phase,
            model_name=model.meta.name or kind.__name__,
            model_type=f"{kind.__module__}.{kind.__qualname__}",
            context_repr=self._repr(context),
            run_id=current_run_id(),
            extra=extra,
            **details,
        )
        try:
            policy.reporter.emit(event)  # type: ignore[union-attr] # only those with a reporter are here
        except Exception:
            log.exception("%s failed to take the event %s; going on.", type(policy.reporter).__name__, phase.value)

    def _repr(self, context: Any) -> str:
        longest = self.policy.max_context_repr if self.policy.capture_context_repr else 0
        text = repr(context) if longest else ""
        return text if len(text) <= longest else f"{text[: longest - 1]}\u2026"
