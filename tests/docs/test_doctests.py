"""Every example in a docstring, run; and every public name has one."""

import doctest
import inspect
import pkgutil
import re
from importlib import import_module

import pytest
from ccflow import ModelRegistry

import ccflow_etl

MODULES = ["ccflow_etl", *(found.name for found in pkgutil.walk_packages(ccflow_etl.__path__, "ccflow_etl."))]
SHOWN = [name for name in ccflow_etl.__all__ if inspect.isclass(getattr(ccflow_etl, name)) or name == "load_config"]


def methods():
    """The methods and properties that the public classes bring along, each where it is defined first."""
    for name in SHOWN:
        kind = getattr(ccflow_etl, name)
        for method, value in vars(kind).items() if inspect.isclass(kind) else ():
            inherited = any(method in vars(base) for base in kind.__mro__[1:])
            if not method.startswith("_") and not inherited and defined(value) is not None:
                yield pytest.param(kind, method, id=f"{name}.{method}")


def defined(value):
    """The function behind a method or a property; none for a field's default and a validator."""
    found = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return found if inspect.isfunction(found) else None


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


@pytest.mark.parametrize(("kind", "method"), list(methods()))
def test_a_public_method_is_used_in_an_example(kind, method):
    texts = [kind.__doc__, *(found.__doc__ for found in map(defined, vars(kind).values()) if found)]
    used = [example.source for text in texts if text for example in doctest.DocTestParser().get_examples(text)]
    assert any(re.search(rf"\.{method}\b", source) for source in used)
