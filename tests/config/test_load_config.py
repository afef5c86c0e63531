"""`load_config`: the packaged config in the root registry, from Python."""

import subprocess
import sys

import hydra
import pytest
from ccflow import FlowOptions, ModelRegistry
from ccflow.evaluators import GraphEvaluator, LoggingEvaluator, MemoryCacheEvaluator
from hydra import version
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import InstantiationException

from ccflow_etl import BackfillModel, LocalWriteModel, WeekdayCalendar, load_config


@pytest.fixture(autouse=True)
def empty_registry():
    ModelRegistry.root().clear()
    yield
    ModelRegistry.root().clear()


def test_it_loads_the_base_config_into_the_root_registry():
    registry = load_config()
    assert registry is ModelRegistry.root()
    assert isinstance(registry["/model"], LocalWriteModel)
    assert registry["/model"].format == "json"
    options = registry["/cli/model"]
    assert isinstance(options, FlowOptions)
    assert options.cacheable
    kinds = [type(evaluator) for evaluator in options.evaluator.evaluators]
    assert kinds == [GraphEvaluator, MemoryCacheEvaluator, LoggingEvaluator]


def test_overrides_are_hydras():
    registry = load_config(["model.format=text", "+backfill=daily"])
    assert registry["/model"].format == "text"
    assert isinstance(registry["/backfill"], BackfillModel)
    assert registry["/backfill"].model is registry["/model"]
    assert registry["/calendars/weekdays"] == WeekdayCalendar()


def test_a_loaded_name_is_replaced_only_on_request():
    load_config()
    with pytest.raises(ValueError, match="already exists"):
        load_config(["model.format=text"])
    assert load_config(["model.format=text"], overwrite=True)["/model"].format == "text"


@pytest.fixture
def early(tmp_path):
    """A folder with a group whose backfill comes before the model that it refers to, as a defaults list has it."""
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "early.yaml").write_text(
        "# @package _global_\ndefaults:\n  - /backfill: default\n  - _self_\nbackfill: {model: /written}\n"
        "written: {_target_: ccflow_etl.LocalWriteModel, format: json}\n"
    )
    return str(tmp_path)


def test_a_reference_in_a_config_is_to_its_own_model_and_not_to_the_replaced_one(early):
    for written in ("json", "text", "csv"):
        registry = load_config(["+job=early", f"written.format={written}"], overwrite=True, config_dir=early)
        assert registry["/written"].format == written
        assert registry["/backfill"].model is registry["/written"]


def test_a_config_that_cannot_be_loaded_leaves_what_it_would_have_replaced(early):
    registry = load_config(["+job=early"], config_dir=early)
    names = ("/model", "/backfill", "/written", "/calendars", "/executors", "/calendars/weekdays", "/executors/threads")
    before = {name: registry[name] for name in names}
    with pytest.raises(InstantiationException):
        load_config(["+job=early", "written.format=[morse]"], overwrite=True, config_dir=early)
    assert all(registry[name] is model for name, model in before.items())
    assert (
        load_config(["+job=early", "written.format=text"], overwrite=True, config_dir=early)["/written"].format
        == "text"
    )


def test_models_that_the_config_has_none_of_stay():
    registry = load_config()
    mine = {name: WeekdayCalendar() for name in ("own", "callable", "context")}  # a text and a dict in the config
    for name, model in mine.items():
        registry.add(name, model)
    load_config(overwrite=True)
    assert all(registry[f"/{name}"] is model for name, model in mine.items())


def test_a_part_of_the_config():
    registry = load_config(["+calendars=default"], config_key="calendars")
    assert registry["/weekdays"] == WeekdayCalendar()
    assert "/model" not in registry
    with pytest.raises(KeyError, match=r"no key 'calendar' in the config; it has .*callable"):
        load_config(config_key="calendar")


def test_a_folder_of_the_users_groups(tmp_path, monkeypatch):
    group = tmp_path / "conf" / "calendars"
    group.mkdir(parents=True)
    (group / "mine.yaml").write_text("own:\n  _target_: ccflow_etl.DailyCalendar\n")
    assert "/calendars/own" in load_config(["+calendars=mine"], config_dir=str(tmp_path / "conf"))
    below = tmp_path / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert "/calendars/own" in load_config(["+calendars=mine"], config_dir="conf", overwrite=True)
    with pytest.raises(FileNotFoundError, match="no config folder 'conf_missing'"):
        load_config(config_dir="conf_missing")


@pytest.mark.parametrize("initialised", [False, True])
def test_hydra_is_left_as_it_was(tmp_path, initialised):
    (tmp_path / "mine.yaml").write_text("a: 1\n")
    if not initialised:
        before = version.getbase()
        load_config(version_base="1.2")
        assert not GlobalHydra.instance().is_initialized()
        assert version.getbase() is before
        return
    with hydra.initialize_config_dir(str(tmp_path), version_base="1.3"):
        mine, base = GlobalHydra.instance().hydra, version.getbase()
        load_config(version_base="1.2")
        assert GlobalHydra.instance().hydra is mine
        assert version.getbase() == base
        assert hydra.compose("mine") == {"a": 1}


def test_a_broken_connector_is_a_warning(tmp_path, monkeypatch):
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hydra.lernaplugins]\nbroken = pkg:not_there_at_all.config\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match=r"connector broken is left out, not_there_at_all\.config cannot be imported"):
        registry = load_config()
    assert "/model" in registry


def test_the_callable_can_be_given_by_its_path():
    assert "/model" in load_config(["callable=/backfill", "+backfill=daily"])


def test_importing_the_config_package_is_light():
    code = "import sys, ccflow_etl.config; print({'ccflow', 'hydra', 'pandas', 'numpy', 'yaml'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
