"""Four years of weather through the command line, against pandas on the published file."""

import datetime as dt
import json
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest
from ccflow import DateContext
from ccflow.evaluators import GraphEvaluator, get_dependency_graph

from ccflow_etl import BackfillContext, BackfillModel, LocalCacheStore
from ccflow_etl.examples.weather import ExtractDay, LoadYear, TransformMonth, WeatherRun

COMMAND = "cc-etl --json --config-path ./config --config-name weather"
YEARS = [2012, 2013, 2014, 2015]


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    with resources.files("vega_datasets").joinpath("_data/seattle-weather.csv").open() as lines:
        return pd.read_csv(lines, parse_dates=["date"])


@pytest.fixture(scope="module")
def expected(published) -> pd.DataFrame:
    """All 48 months by one groupby over the whole file."""
    months = published.groupby(published["date"].dt.to_period("M"))
    return months.agg(
        days=("date", "nunique"),
        wet_days=("precipitation", lambda column: int(column.gt(0).sum())),
        precipitation=("precipitation", "sum"),
        temp_max=("temp_max", "max"),
        temp_min=("temp_min", "min"),
        wind=("wind", "mean"),
    )


@pytest.fixture(scope="module")
def runs(shared_project) -> list[dict]:
    """The summaries of two runs in the same folder."""
    return [json.loads(shared_project.succeed(COMMAND)) for _ in range(2)]


@pytest.fixture(scope="module")
def weather(shared_project, runs) -> Path:
    return shared_project.folder / "weather"


def stages(folder: Path) -> tuple[ExtractDay, TransformMonth, LoadYear]:
    store = LocalCacheStore(root=folder, durable=False)
    extract = ExtractDay(store=store)
    transform = TransformMonth(extract=extract, store=store)
    return extract, transform, LoadYear(transform=transform, store=store)


def by_month(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis(frame.index.to_period("M"))


def assert_same_numbers(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(by_month(found), expected, rtol=1e-12, check_names=False, check_freq=False)


def test_the_summary_counts_every_artifact(runs):
    first, second = runs
    by_stage = {"extract": 1461, "load": 4, "transform": 48}
    assert (first["by_status"], first["by_stage"]) == ({"written": 1513}, by_stage)
    assert (second["by_status"], second["by_stage"]) == ({"exists": 1513}, by_stage)
    assert (first["succeeded"], second["skipped"]) == (1513, 1513)


def test_the_summary_says_where_the_tables_are(runs, weather):
    tables = [(weather / "load" / f"{year}.parquet").resolve().as_uri() for year in YEARS]
    assert [run["tables"] for run in runs] == [tables, tables]


def test_nothing_else_is_written(shared_project, runs):
    days = {f"weather/extract/{day:%Y-%m-%d}.json" for day in pd.date_range("2012-01-01", "2015-12-31")}
    months = {f"weather/transform/{year}-{month:02}.parquet" for year in YEARS for month in range(1, 13)}
    assert shared_project.files() == days | months | {f"weather/load/{year}.parquet" for year in YEARS}


def test_every_day_is_the_published_record(weather, published):
    kept = pd.DataFrame([json.loads(path.read_text()) for path in sorted((weather / "extract").iterdir())])
    kept["date"] = pd.to_datetime(kept["date"])
    pd.testing.assert_frame_equal(kept[published.columns], published, check_exact=True, check_dtype=False)


def test_every_month_is_what_pandas_computes(weather, expected):
    months = [pd.read_parquet(path) for path in sorted((weather / "transform").iterdir())]
    assert [len(month) for month in months] == [1] * 48
    assert_same_numbers(pd.concat(months), expected)


@pytest.mark.parametrize("year", YEARS)
def test_every_year_is_what_pandas_computes(weather, expected, year):
    table = pd.read_parquet(weather / "load" / f"{year}.parquet")
    assert len(table) == 12
    assert_same_numbers(table, expected[expected.index.year == year])


def test_yearly_totals_agree_with_the_published_file(weather, published):
    table = pd.read_parquet(weather / "load" / "2014.parquet")
    year = published[published["date"].dt.year == 2014]
    assert table["days"].sum() == 365
    assert table["precipitation"].sum() == pytest.approx(year["precipitation"].sum())
    assert (table["temp_max"].max(), table["temp_min"].min()) == (year["temp_max"].max(), year["temp_min"].min())


def test_a_month_reads_back_as_it_was_kept(weather, expected):
    _, transform, _ = stages(weather)
    frame = transform.fetch(dt.date(2012, 2, 1))
    assert frame.index.name == "month"
    assert frame.dtypes.astype(str).to_dict() == {
        "days": "int64",
        "wet_days": "int64",
        "precipitation": "float64",
        "temp_max": "float64",
        "temp_min": "float64",
        "wind": "float64",
    }
    assert_same_numbers(frame, expected.loc["2012-02":"2012-02"])


def test_the_graph_has_each_day_once_below_its_month_and_year(tmp_path):
    _, _, load = stages(tmp_path)
    graph = get_dependency_graph(load.__call__.get_evaluation_context(load, DateContext(date=dt.date(2012, 1, 1))))
    fan_out = sorted((len(below) for below in graph.graph.values()), reverse=True)
    assert fan_out == [31] * 7 + [30] * 4 + [29] + [12] + [0] * 366


def test_a_graph_evaluator_runs_each_node_once(tmp_path, count_calls, expected):
    _, _, load = stages(tmp_path)
    run = WeatherRun(backfill=BackfillModel(model=load))
    context = BackfillContext[DateContext].model_validate(["2012-01-01", "2012-12-31", None, "forward", "YS"])
    with count_calls(GraphEvaluator()) as calls:
        summary = run(context)
    nodes = {name: calls[name] for name in calls if not name.startswith("Cache")}
    assert nodes == {"WeatherRun": 1, "BackfillModel": 1, "LoadYear": 1, "TransformMonth": 12, "ExtractDay": 366}
    assert summary.by_stage == {"extract": 366, "load": 1, "transform": 12}
    assert calls["CachePutModel"] == summary.succeeded == 379
    assert_same_numbers(pd.read_parquet(tmp_path / "load" / "2012.parquet"), expected.iloc[:12])


def test_a_plain_evaluator_gives_the_same(tmp_path, expected):
    _, transform, _ = stages(tmp_path)
    artifacts = transform(date="2013-03-17").artifacts
    assert [artifact.status for artifact in artifacts] == ["written"] * 32
    assert [artifact.key for artifact in artifacts[::31]] == ["extract/2013-03-01", "transform/2013-03"]
    assert_same_numbers(transform.fetch(dt.date(2013, 3, 1)), expected.loc["2013-03":"2013-03"])


def test_what_is_lost_is_made_again_and_the_rest_is_reused(tmp_path):
    _, transform, _ = stages(tmp_path)
    transform(date="2013-02-01")
    (tmp_path / "extract" / "2013-02-14.json").unlink()
    month = tmp_path / "transform" / "2013-02.parquet"
    before = month.stat().st_mtime_ns
    artifacts = transform(date="2013-02-01").artifacts
    assert [artifact.key for artifact in artifacts if artifact.status == "written"] == ["extract/2013-02-14"]
    assert month.stat().st_mtime_ns == before


def test_a_day_without_a_record_is_an_error_that_says_what_there_is(tmp_path):
    extract, _, _ = stages(tmp_path)
    with pytest.raises(ValueError, match=r"2016-01-01.*2012-01-01 to 2015-12-31"):
        extract(date="2016-01-01")
    assert not list(tmp_path.rglob("*.json"))


def test_a_stage_that_kept_nothing_has_nothing_to_fetch(tmp_path):
    extract, transform, _ = stages(tmp_path)
    with pytest.raises(FileNotFoundError, match="extract/2012-01-01"):
        extract.fetch(dt.date(2012, 1, 1))
    with pytest.raises(FileNotFoundError, match="transform/2012-01"):
        transform.fetch(dt.date(2012, 1, 1))


def test_without_vega_datasets_one_line_says_what_to_install(project):
    (project.folder / "without_vega.py").write_text(
        "import sys\n\nsys.modules['vega_datasets'] = None\n\nfrom ccflow_etl.examples.weather import ExtractDay\n"
    )
    done = project.run(
        "cc-etl --config-path ./config --config-name weather extract._target_=without_vega.ExtractDay "
        "context.end_datetime=2012-01-01"
    )
    assert done.returncode == 1
    error, *_ = done.stderr.splitlines()
    assert "pip install ccflow-etl[examples]" in error
    assert "Traceback" not in done.stderr
    assert not (project.folder / "weather").exists()
