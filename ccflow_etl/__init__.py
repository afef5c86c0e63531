"""ETL building blocks for ccflow: calendars, codecs, stores, checkpoints, retries and backfills.

Every public name is importable from here and its module is loaded on first use (PEP 562), so that
importing the package costs nothing that is not needed.
"""

from importlib import import_module
from typing import Any

__version__ = "1.0.0"

# The room each public name lives in. tests/test_public_names.py holds it against the imports below.
_ROOMS: dict[str, tuple[str, ...]] = {
    "calendars.interval": ("Interval", "Offset"),
    "calendars.calendar": ("BaseCalendar",),
    "calendars.builtin": (
        "BusinessDayCalendar",
        "DailyCalendar",
        "HourlyCalendar",
        "IntervalCalendar",
        "MondayFridayCalendar",
        "WeekdayCalendar",
        "WeeklyCalendar",
    ),
    "calendars.algebra": (
        "DifferenceCalendar",
        "IntersectionCalendar",
        "UnionCalendar",
    ),
    "calendars.rules": ("Dates", "EasterOffset", "FixedDate", "NthWeekday"),
    "calendars.shifts": ("ShiftedCalendar",),
    "calendars.working": ("BusinessHourCalendar", "RuleCalendar"),
    "calendars.edges": ("PeriodEdgeCalendar",),
    "codecs.codec": ("CacheFormat", "CacheFormatName", "PayloadCodec"),
    "codecs.errors": ("PayloadDecodeError", "PayloadEncodeError", "PayloadIntegrityError", "PayloadTooLargeError"),
    "stores.local": ("LocalCacheStore",),
    "stores.memory": ("MemoryCacheStore",),
    "stores.objects": ("ObjectCacheStore",),
    "stores.records": ("CheckpointRecord", "CheckpointStatus"),
    "stores.checkpoints": ("LocalCheckpointStore",),
    "stores.memory_checkpoints": ("MemoryCheckpointStore",),
    "execution.executors": ("ProcessExecutor", "SerialExecutor", "ThreadExecutor"),
    "execution.dask_executor": ("DaskExecutor",),
    "execution.attempt_timeout": ("AttemptTimeoutError",),
    "execution.rate_limit": ("RateLimit",),
    "execution.retry": ("RetryCancelled", "RetryEvent", "RetryExecutionError", "RetryPolicy"),
    "models.artifact": ("ETLArtifact", "ETLStage"),
    "models.summary": ("RunSummary",),
    "models.write": (
        "LocalWriteContext",
        "LocalWriteModel",
        "LocalWriteResult",
        "WriteContext",
        "WriteModel",
        "WriteResult",
    ),
    "models.cache": (
        "CacheGetContext",
        "CacheGetModel",
        "CacheGetResult",
        "CachePutContext",
        "CachePutModel",
        "CachePutResult",
    ),
    "models.cache_checkpoints": ("CacheCheckpointStore",),
    "models.decision": (
        "CheckpointDecision",
        "CheckpointDecisionContext",
        "CheckpointDecisionModel",
        "CheckpointDecisionResult",
    ),
    "models.decision_unit": ("CheckpointDecisionUnit",),
    "models.skip_policies": ("SkipAll", "SkipAny", "SkipExisting", "SkipInDatabase", "SkipMarked", "SkipPolicy"),
    "models.retry": ("RetryModel", "RetryResult"),
    "models.backfill": ("BackfillModel",),
    "models.backfill_result": ("BackfillCancelled", "BackfillError", "BackfillResult"),
    "models.backfill_context": ("BackfillContext",),
    "models.backfill_status": ("BackfillStatus",),
    "models.parallel_graph": ("ParallelGraphEvaluator",),
    "models.plan": ("BackfillPlan",),
    "models.plan_file": ("PlanError",),
    "config": ("load_config",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *sorted(_ROOM_OF)]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
