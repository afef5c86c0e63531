"""A model that runs another one until it succeeds."""

from collections.abc import Callable
from typing import Any, Generic

from ccflow import CallableModel, ContextType, FlowOptions, GenericResult, WrapperModel
from ccflow.utils.reporting import Reporter
from pydantic import Field, SerializeAsAny
from typing_extensions import TypeVar

from ..execution.attempts import retry_summary, run_with_retry
from ..execution.retry import RetryEvent, RetryPolicy
from ..execution.retry_reports import reporting_to
from .flow import flow_call

_LONGEST_CONTEXT = 200

M = TypeVar("M", bound=CallableModel, default=CallableModel)


class RetryResult(GenericResult[dict[str, Any]]):
    """What :class:`RetryModel` returns: ``value`` holds the wrapped model's result and how it was obtained.

    ``result`` is the result itself, ``events`` a list of one ``RetryEvent`` for each attempt, and ``attempts``,
    ``retried``, ``succeeded`` and ``failed`` are their counts.

    >>> RetryResult(value={"attempts": 1, "retried": 0}).value["attempts"]
    1
    """


class RetryModel(WrapperModel[M], Generic[M]):
    """Calls a model until it succeeds or the policy is exhausted; takes the wrapped model's contexts.

    Differs from ``ccflow.models.retry.RetryModel`` in the result, which tells what happened, and in the policy, which
    knows status codes and names of exceptions.

    Calling it raises ``RetryExecutionError`` from the last exception once the policy is exhausted, its subclass
    ``RetryCancelled`` if the run around it was told to stop during a wait, and whatever the model raised, unchanged and
    at once, if that is not to be retried.

    In YAML, with at most ten attempts a second and none that begins after five minutes:

    .. code-block:: yaml

        fetch:
          _target_: ccflow_etl.RetryModel
          model: /client
          policy:
            max_attempts: 5
            retry_exception_types: [httpx.TransportError]
            initial_delay_seconds: 1
            max_delay_seconds: 60
            max_elapsed_seconds: 300
            requests_per_interval: {requests: 10, seconds: 1}

    >>> from ccflow import CallableModel, Flow, GenericResult, NullContext
    >>> class Answer(CallableModel):
    ...     @Flow.call
    ...     def __call__(self, context: NullContext) -> GenericResult[int]:
    ...         return GenericResult[int](value=42)
    >>> outcome = RetryModel(model=Answer(), policy=RetryPolicy(max_attempts=3))(NullContext())
    >>> outcome.value["result"].value, outcome.value["attempts"], outcome.value["retried"]
    (42, 1, 0)
    """

    # All of it in a dump, of which pydantic before 2.13 leaves out what CallableModel does not declare.
    model: SerializeAsAny[M] = Field(description="The model to call.")

    policy: RetryPolicy = Field(default_factory=RetryPolicy, description="What to retry, how often, and the delays.")

    reporter: Reporter | None = Field(None, description="Receives ccflow's events of each attempt: errors, retries.")

    @property
    def result_type(self) -> type[Any]:
        """``RetryResult``, whatever the wrapped model returns."""
        return RetryResult

    # No __deps__: an evaluator runs declared dependencies ahead of this call, so declaring the wrapped model (or what
    # it depends on) would run it outside the retries and fail the graph at its first error.

    @flow_call()
    def __call__(self, context: ContextType) -> RetryResult:  # type: ignore[override]  # of any context in ccflow
        """The wrapped model's result with the record of its attempts."""
        events: list[RetryEvent] = []
        model: Any = self.model
        tell = self._teller(context)

        def attempt() -> Any:
            options: FlowOptions = model.__call__.get_options(model)
            if events:  # a caching evaluator may hold the failed result: look past it
                options = options.model_copy(update={"volatile": True})
            return model(context, _options=options)

        def record(event: RetryEvent) -> None:
            events.append(event)
            tell(event)

        result = run_with_retry(attempt, self.policy, record)
        return RetryResult(value={**retry_summary(events), "events": events, "result": result})

    def _teller(self, context: Any) -> Callable[[RetryEvent], None]:
        if self.reporter is None:
            return lambda event: None
        name = self.model.meta.name or type(self.model).__name__
        return reporting_to(self.reporter, self.policy, name, repr(context)[:_LONGEST_CONTEXT])
