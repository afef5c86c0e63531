"""Four years of daily weather, in three stages with a dependency graph between them.

``ExtractDay`` keeps each day as JSON, ``TransformMonth`` each month's aggregates as a DataFrame in Parquet, and
``LoadYear`` one table per year. ``WeatherSummary`` runs a backfill of years and counts what was made.
``config/weather.yaml`` puts them together.

The records are those of ``seattle-weather.csv`` in the package ``vega_datasets``: 1,461 days from 2012 to 2015.
"""

import calendar
import csv
import datetime as dt
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

from ccflow import BaseModel, CallableModel, DateContext, Flow, ResultBase
from ccflow.callable import GraphDepList
from pydantic import Field

from ccflow_etl import (
    BackfillContext,
    BackfillModel,
    CacheFormat,
    CacheGetModel,
    CacheGetResult,
    CachePutModel,
    ETLArtifact,
    ETLStage,
    RunSummary,
)

if TYPE_CHECKING:
    import pandas as pd

_DATASET = "seattle-weather"
_FORMATS: dict[ETLStage, CacheFormat] = {"extract": "json", "transform": "parquet", "load": "parquet"}


class StageResult(ResultBase):
    """What a stage made, after everything that it was made from.

    >>> StageResult(artifacts=[ETLArtifact(key="extract/2012-01-01", stage="extract")]).artifacts[-1].key
    'extract/2012-01-01'
    """

    artifacts: list[ETLArtifact] = Field(description="The artifacts of the stages before, and last the stage's own.")


class ExtractDay(CallableModel):
    """Keeps the record of a day as JSON: ``date precipitation temp_max temp_min wind weather``, in mm, deg C and m/s.

    >>> from tempfile import TemporaryDirectory
    >>> from ccflow_etl import LocalCacheStore
    >>> with TemporaryDirectory() as folder:
    ...     extract = ExtractDay(store=LocalCacheStore(root=folder))
    ...     statuses = [extract(date="2012-01-02").artifacts[-1].status for _ in range(2)]
    ...     record = extract.fetch(dt.date(2012, 1, 2))
    >>> statuses, record["precipitation"], record["weather"]
    (['written', 'exists'], 10.9, 'rain')
    """

    store: BaseModel = Field(description="Where to keep the days: a byte store such as LocalCacheStore.")

    @Flow.call
    def __call__(self, context: DateContext) -> StageResult:
        """Keep the day's record, unless it is kept already.

        Raises:
            ModuleNotFoundError: If ``vega_datasets`` is not installed.
            ValueError: If there is no record of the day.
        """
        day = context.date
        return StageResult(artifacts=[_keep(self.store, "extract", day.isoformat(), lambda: _published(day))])

    def fetch(self, day: dt.date) -> dict[str, Any]:
        """Return the record that was kept.

        Raises:
            FileNotFoundError: If none was.
        """
        record: dict[str, Any] = _fetch(self.store, "extract", day.isoformat(), missing_ok=False).payload
        return record


class TransformMonth(CallableModel):
    """Keeps a month's aggregates as a DataFrame of one row, in Parquet.

    The index is ``month``, its first day. The columns are ``days`` and ``wet_days`` (int64), and ``precipitation``
    (sum), ``temp_max`` (highest), ``temp_min`` (lowest) and ``wind`` (mean) (float64).

    >>> from tempfile import TemporaryDirectory
    >>> from ccflow_etl import LocalCacheStore
    >>> with TemporaryDirectory() as folder:
    ...     store = LocalCacheStore(root=folder, durable=False)
    ...     transform = TransformMonth(extract=ExtractDay(store=store), store=store)
    ...     artifacts = transform(date="2012-02-29").artifacts
    ...     print(transform.fetch(dt.date(2012, 2, 1)))
                days  wet_days  precipitation  temp_max  temp_min      wind
    month
    2012-02-01    29        19           92.3      16.1      -2.2  3.903448
    >>> len(artifacts), artifacts[-1].key
    (30, 'transform/2012-02')
    """

    extract: ExtractDay = Field(description="Makes the days.")
    store: BaseModel = Field(description="Where to keep the months: a byte store such as LocalCacheStore.")

    @Flow.call
    def __call__(self, context: DateContext) -> StageResult:
        """Keep the aggregates of the month that the date is in, unless they are kept already."""
        month = context.date.replace(day=1)
        made_from = [artifact for day in _days(month) for artifact in self.extract(date=day).artifacts]
        made = _keep(self.store, "transform", f"{month:%Y-%m}", lambda: self._aggregate(month))
        return StageResult(artifacts=[*made_from, made])

    @Flow.deps
    def __deps__(self, context: DateContext) -> GraphDepList:
        """The days of the month."""
        return [(self.extract, [DateContext(date=day) for day in _days(context.date)])]

    def fetch(self, month: dt.date) -> "pd.DataFrame":
        """Return the aggregates that were kept.

        Raises:
            FileNotFoundError: If none were.
        """
        return _fetch(self.store, "transform", f"{month:%Y-%m}", missing_ok=False).payload

    def _aggregate(self, month: dt.date) -> "pd.DataFrame":
        import pandas as pd

        days = pd.DataFrame([self.extract.fetch(day) for day in _days(month)])
        aggregates = {
            "days": len(days),
            "wet_days": (days["precipitation"] > 0).sum(),
            "precipitation": days["precipitation"].sum(),
            "temp_max": days["temp_max"].max(),
            "temp_min": days["temp_min"].min(),
            "wind": days["wind"].mean(),
        }
        return pd.DataFrame(aggregates, index=pd.DatetimeIndex([month], name="month"))


class LoadYear(CallableModel):
    """Keeps one table per year, in Parquet: a row for each month, as ``TransformMonth`` made it.

    >>> from ccflow_etl import LocalCacheStore
    >>> store = LocalCacheStore(root="weather")
    >>> load = LoadYear(transform=TransformMonth(extract=ExtractDay(store=store), store=store), store=store)
    >>> [(model, contexts)] = load.__deps__(DateContext(date="2012-01-01"))
    >>> type(model).__name__, len(contexts), contexts[-1].date.isoformat()
    ('TransformMonth', 12, '2012-12-01')
    """

    transform: TransformMonth = Field(description="Makes the months.")
    store: BaseModel = Field(description="Where to keep the years: a byte store such as LocalCacheStore.")

    @Flow.call
    def __call__(self, context: DateContext) -> StageResult:
        """Keep the table of the year that the date is in, unless it is kept already."""
        year = context.date.year
        made_from = [artifact for month in _months(year) for artifact in self.transform(date=month).artifacts]
        made = _keep(self.store, "load", str(year), lambda: self._table(year))
        return StageResult(artifacts=[*made_from, made])

    @Flow.deps
    def __deps__(self, context: DateContext) -> GraphDepList:
        """The months of the year."""
        return [(self.transform, [DateContext(date=month) for month in _months(context.date.year)])]

    def _table(self, year: int) -> "pd.DataFrame":
        import pandas as pd

        return pd.concat([self.transform.fetch(month) for month in _months(year)])


class WeatherSummary(RunSummary):
    """How the run went: the artifacts by what became of them and by stage, and where the tables are.

    >>> WeatherSummary(tables=["file:///data/load/2012.parquet"]).total
    0
    """

    tables: list[str] = Field(description="The URI of each year's table.")


class WeatherRun(CallableModel):
    """Runs a backfill of a stage and counts the artifacts of that stage and of those before.

    >>> from tempfile import TemporaryDirectory
    >>> from ccflow_etl import LocalCacheStore
    >>> with TemporaryDirectory() as folder:
    ...     extract = ExtractDay(store=LocalCacheStore(root=folder))
    ...     WeatherRun(backfill=BackfillModel(model=extract))(["2012-01-01", "2012-01-03"]).by_stage
    {'extract': 3}
    """

    backfill: BackfillModel = Field(description="A backfill of one of the stages; of LoadYear, to make them all.")

    @Flow.call
    def __call__(self, context: BackfillContext[DateContext]) -> WeatherSummary:
        """Run the backfill."""
        outputs = self.backfill(context).value["outputs"]
        artifacts = [ETLArtifact(**artifact) for output in outputs for artifact in output["value"]["artifacts"]]
        summary = RunSummary.from_statuses((artifact.status for artifact in artifacts), artifacts)
        tables = [artifact.uri for artifact in artifacts if artifact.stage == "load"]
        return WeatherSummary(**summary.model_dump(exclude={"type_"}), tables=tables)

    @Flow.deps
    def __deps__(self, context: BackfillContext[DateContext]) -> GraphDepList:
        """The backfill, which depends on its years."""
        return [(self.backfill, [context])]


def _keep(store: BaseModel, stage: ETLStage, name: str, make: Callable[[], Any]) -> ETLArtifact:
    """Return the artifact of a payload that is in the store, made and put there first if it is not."""
    found = _fetch(store, stage, name, missing_ok=True)
    if found.status == "hit":
        return found.artifact.model_copy(update={"status": "exists"})
    put = CachePutModel(store=store, format=_FORMATS[stage])
    return put(key=f"{stage}/{name}", payload=make(), dataset=_DATASET, stage=stage).artifact


def _fetch(store: BaseModel, stage: ETLStage, name: str, missing_ok: bool) -> CacheGetResult:
    get = CacheGetModel(store=store, format=_FORMATS[stage])
    return get(key=f"{stage}/{name}", dataset=_DATASET, stage=stage, missing_ok=missing_ok)


def _published(day: dt.date) -> dict[str, Any]:
    """Return the published record of a day, read from the installed file."""
    try:
        package = resources.files("vega_datasets")
    except ModuleNotFoundError:
        message = (
            "the weather records come with vega_datasets, which is not installed: pip install ccflow-etl[examples]"
        )
        raise ModuleNotFoundError(message, name="vega_datasets") from None
    with package.joinpath("_data", "seattle-weather.csv").open(encoding="utf-8") as lines:
        header, start = next(lines), f"{day:%Y/%m/%d},"
        for row in csv.DictReader([header, *(line for line in lines if line.startswith(start))]):
            numbers = {name: float(row[name]) for name in ("precipitation", "temp_max", "temp_min", "wind")}
            return {"date": day.isoformat(), **numbers, "weather": row["weather"]}
    raise ValueError(f"no weather record of {day}: seattle-weather.csv has 2012-01-01 to 2015-12-31")


def _days(month: dt.date) -> list[dt.date]:
    last = calendar.monthrange(month.year, month.month)[1]
    return [month.replace(day=day) for day in range(1, last + 1)]


def _months(year: int) -> list[dt.date]:
    return [dt.date(year, month, 1) for month in range(1, 13)]
