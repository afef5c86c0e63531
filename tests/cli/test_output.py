"""What a result looks like on stdout."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ccflow import GenericResult, ResultBase

from ccflow_etl.cli.json_text import to_json
from ccflow_etl.cli.output import summary


class Told(ResultBase):
    """A result that says what it is."""

    steps: int

    def __str__(self) -> str:
        return f"{self.steps} steps"


def value_of(value):
    return json.loads(to_json(GenericResult(value=value)))["value"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pd.DataFrame({"a": [1, 2]}), [{"a": 1}, {"a": 2}]),
        (pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="k")), [{"k": "x", "a": 1}]),
        (pd.Series({"x": 1, "y": 2}), {"x": 1, "y": 2}),
        (pa.table({"a": [1, None]}), [{"a": 1}, {"a": None}]),
        (np.array([[1, 2]]), [[1, 2]]),
        (float("nan"), None),
        (pd.Timestamp("2024-01-01"), "2024-01-01T00:00:00"),
        (Path("x"), "x"),
        (slice(1), "slice(None, 1, None)"),
    ],
)
def test_values_that_json_has_no_form_for(value, expected):
    assert value_of(value) == expected


def test_a_result_with_its_own_text_is_printed_as_it_says():
    assert summary(Told(steps=3)) == "3 steps"


def test_a_result_that_is_no_model_is_its_text():
    assert summary(None) == "None"


def test_long_values_are_cut():
    text = summary(GenericResult(value=[*range(1000), "x" * 10_000]))
    assert len(text) < 400
    cut = summary(GenericResult(value=["x" * 250, "y" * 250]))
    assert cut.endswith("(--json prints all)")


def test_a_table_shows_its_shape():
    assert "DataFrame of shape (2, 1)" in summary(GenericResult(value=pd.DataFrame({"a": [1, 2]})))
