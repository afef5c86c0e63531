"""Every example in a docstring, run; and every public name has one."""

import doctest
import inspect
import pkgutil
from importlib import import_module

import pytest
from ccflow import ModelRegistry

import ccflow_etl

MODULES = ["ccflow_etl", *(found.name for found in pkgutil.walk_packages(ccflow_etl.__path__, "ccflow_etl."))]
SHOWN = [name for name in ccflow_etl.__all__ if inspect.isclass(getattr(ccflow_etl, name)) or name == "load_config"]


@pytest.fixture(autouse=True)
def _tidy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    ModelRegistry.root().clear()


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    failed, _ = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failed == 0, "see the output above"


@pytest.mark.parametrize("name", SHOWN)
def test_a_public_name_shows_an_example(name):
    assert ">>>" in (getattr(ccflow_etl, name).__doc__ or "")
