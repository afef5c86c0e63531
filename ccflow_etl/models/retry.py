"""A model that runs another one until it succeeds."""

from typing import Any, Generic

from ccflow import CallableModelType, ContextType, Flow, FlowOptions, GenericResult, WrapperModel
from pydantic import Field

from ..execution.attempts import retry_summary, run_with_retry
from ..execution.retry import RetryEvent, RetryPolicy


class RetryResult(GenericResult[dict[str, Any]]):
    """What :class:`RetryModel` returns: ``value`` holds the wrapped model's result and how it was obtained.

    ``result`` is the result itself, ``events`` a list of one ``RetryEvent`` for each attempt, and ``attempts``,
    ``retried``, ``succeeded`` and ``failed`` are their counts.

    >>> RetryResult(value={"attempts": 1, "retried": 0}).value["attempts"]
    1
    """


class RetryModel(WrapperModel[CallableModelType], Generic[CallableModelType]):
    """Calls a model until it succeeds or the policy is exhausted; takes the wrapped model's contexts.

    Differs from ``ccflow.models.retry.RetryModel`` in the result, which tells what happened, and in the policy, which
    knows status codes and names of exceptions.

    Calling it raises ``RetryExecutionError`` from the last exception once the policy is exhausted, and whatever the
    model raised, unchanged and at once, if that is not to be retried.

    >>> from ccflow import CallableModel, Flow, GenericResult, NullContext
    >>> class Answer(CallableModel):
    ...     @Flow.call
    ...     def __call__(self, context: NullContext) -> GenericResult[int]:
    ...         return GenericResult[int](value=42)
    >>> outcome = RetryModel(model=Answer(), policy=RetryPolicy(max_attempts=3))(NullContext())
    >>> outcome.value["result"].value, outcome.value["attempts"], outcome.value["retried"]
    (42, 1, 0)
    """

    policy: RetryPolicy = Field(default_factory=RetryPolicy, description="What to retry, how often, and the delays.")

    @property
    def result_type(self) -> type[Any]:
        """``RetryResult``, whatever the wrapped model returns."""
        return RetryResult

    # No __deps__: an evaluator runs declared dependencies ahead of this call, so declaring the wrapped model (or what
    # it depends on) would run it outside the retries and fail the graph at its first error.

    @Flow.call
    def __call__(self, context: ContextType) -> RetryResult:
        """The wrapped model's result with the record of its attempts."""
        events: list[RetryEvent] = []
        model: Any = self.model

        def attempt() -> Any:
            options: FlowOptions = model.__call__.get_options(model)
            if events:  # a caching evaluator may hold the failed result: look past it
                options = options.model_copy(update={"volatile": True})
            return model(context, _options=options)

        result = run_with_retry(attempt, self.policy, events.append)
        return RetryResult(value={**retry_summary(events), "events": events, "result": result})
