"""The names that users import: all there, each from its room, typed, and loaded no earlier than needed."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import ccflow_etl

PROMISED = """
BackfillContext BackfillModel BackfillPlan BackfillResult BaseCalendar BusinessDayCalendar BusinessHourCalendar
CacheFormat CacheFormatName CacheGetContext CacheGetModel CacheGetResult CachePutContext CachePutModel
CachePutResult CheckpointDecision CheckpointDecisionContext CheckpointDecisionModel CheckpointDecisionResult
CheckpointDecisionUnit CheckpointRecord CheckpointStatus DailyCalendar DaskExecutor Dates ETLArtifact ETLStage
EasterOffset FixedDate HourlyCalendar Interval IntervalCalendar LocalCacheStore LocalCheckpointStore
LocalWriteContext LocalWriteModel LocalWriteResult MemoryCacheStore MondayFridayCalendar NthWeekday
ObjectCacheStore Offset PayloadCodec
PeriodEdgeCalendar ProcessExecutor RetryEvent RetryExecutionError RetryModel RetryPolicy RetryResult RuleCalendar
RunSummary SerialExecutor ThreadExecutor WeekdayCalendar WeeklyCalendar WriteContext WriteModel WriteResult
load_config
"""
REFUSED = ["ETL", "ETLContext", "ETLResult", "ExtractModel", "TransformModel", "LoadModel"]
TYPES_ONLY = {"CacheFormat", "CacheFormatName", "CheckpointStatus", "ETLStage", "Offset"}


def modules_after(code: str) -> set[str]:
    """What a new Python has imported after running some code, beyond what it had before the code's last line."""
    first, _, last = code.rpartition("\n")
    script = f"import sys\n{first}\nbefore = set(sys.modules)\n{last}\nprint(*(sys.modules.keys() - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_every_promised_name_is_listed():
    assert set(ccflow_etl.__all__) >= set(PROMISED.split())
    assert sorted(set(ccflow_etl.__all__)) == sorted(ccflow_etl.__all__)


@pytest.mark.parametrize(("name", "room"), ccflow_etl._ROOM_OF.items())
def test_every_name_comes_from_its_room(name, room):
    found = getattr(ccflow_etl, name)
    assert found is getattr(import_module(f"ccflow_etl.{room}"), name)
    if name not in TYPES_ONLY:
        assert (found.__module__, found.__name__) == (f"ccflow_etl.{room}", name)


def test_star_import_gives_every_name():
    namespace: dict[str, object] = {}
    exec("from ccflow_etl import *", namespace)
    assert namespace.keys() >= set(ccflow_etl.__all__)


@pytest.mark.parametrize("name", REFUSED)
def test_there_are_no_generic_etl_classes(name):
    assert name not in dir(ccflow_etl)
    with pytest.raises(AttributeError):
        getattr(ccflow_etl, name)


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="module 'ccflow_etl' has no attribute 'BackfillModle'"):
        ccflow_etl.BackfillModle  # noqa: B018 # raises
    with pytest.raises(ImportError, match="BackfillModle"):
        exec("from ccflow_etl import BackfillModle")


def test_dir_shows_the_public_names():
    assert set(ccflow_etl.__all__) <= set(dir(ccflow_etl))


def test_importing_the_package_imports_nothing_that_is_not_needed():
    loaded = modules_after("import ccflow_etl")
    assert not {"ccflow", "pandas", "pyarrow", "hydra", "rich", "numpy", "pydantic"} & loaded
    assert {name for name in loaded if name.startswith("ccflow")} == {"ccflow_etl"}


def test_after_ccflow_importing_the_package_imports_only_itself():
    assert modules_after("import ccflow\nimport ccflow_etl") == {"ccflow_etl"}


@pytest.mark.parametrize("name", ["BackfillModel", "BackfillContext", "CachePutModel", "Interval", "RetryPolicy"])
def test_a_name_is_loaded_without_pandas_pyarrow_or_hydra(name):
    # ccflow may import some of them itself
    assert not {"pandas", "pyarrow", "hydra"} & modules_after(f"import ccflow\nfrom ccflow_etl import {name}")


def test_type_checkers_see_every_name_in_its_room():
    stub = Path(ccflow_etl.__file__).with_suffix(".pyi")
    found = {
        alias.asname: node.module
        for node in ast.walk(ast.parse(stub.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
        if alias.asname == alias.name
    }
    assert found == ccflow_etl._ROOM_OF


def test_the_typing_of_every_name_is_checked():
    tree = ast.parse(Path(__file__).with_name("typing").joinpath("public_api.py").read_text())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert set(ccflow_etl._ROOM_OF) <= used


# where nothing more can be said: what a model takes for a context, what a codec and a store are given
ANY_MEANT = """
BackfillModel.plan(context) BackfillModel.remaining(context) BackfillModel.run_plan(context)
BackfillModel.status(context) BackfillModel.context_type BackfillStatus.__init__(store)
PayloadCodec.encode(payload) PayloadCodec.decode PayloadCodec.decode(filters) PayloadEncodeError.__init__(payload)
"""


def unsaid(name: str) -> set[str]:
    """Which parameters and results of a public class or function are Any, or have no type."""
    public = getattr(ccflow_etl, name)
    ours = [kind for kind in getattr(public, "__mro__", ()) if kind.__module__.startswith("ccflow_etl.")]
    members = {f"{name}.{key}": value for kind in reversed(ours) for key, value in vars(kind).items()} or {name: public}
    places = set()
    for where, member in members.items():
        function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "__func__", member))
        private = where.rpartition(".")[2].startswith("_") and not where.endswith(".__init__")
        if private or not inspect.isfunction(function) or not function.__module__.startswith("ccflow_etl."):
            continue
        signature = inspect.signature(function)
        said = {where: signature.return_annotation} if not where.endswith(".__init__") else {}
        said |= {f"{where}({each.name})": each.annotation for each in list(signature.parameters.values())}
        places |= {place for place, kind in said.items() if kind in (Any, "Any", inspect.Parameter.empty)}
    return {place for place in places if not place.endswith(("(self)", "(cls)", "model_post_init(context)"))}


@pytest.mark.parametrize("name", ccflow_etl._ROOM_OF)
def test_any_is_said_only_where_it_is_meant(name):
    if name not in TYPES_ONLY:
        assert unsaid(name) == {place for place in ANY_MEANT.split() if place.split(".")[0] == name}
