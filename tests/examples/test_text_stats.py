"""Word counts: what is a word, how words are ranked, where a dated file goes, and what is run once."""

import datetime as dt
import json
from collections import Counter
from pathlib import Path

import pytest
from ccflow.evaluators import GraphEvaluator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ccflow_etl import BackfillModel
from ccflow_etl.examples.text_stats import CountWords, TextStats, TextStatsContext

TEXT = "The cat's hat. THE HAT!\n\nnaïve 42 hats"


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def stats_of(context: TextStatsContext) -> dict:
    return json.loads(TextStats()(context).path.read_text(encoding="utf-8"))


def test_words_are_counted_in_any_case_with_their_apostrophes(notes):
    counted = CountWords()(input_path=notes)
    assert counted.lines == 3
    assert counted.counts == {"the": 2, "cat's": 1, "hat": 2, "naïve": 1, "42": 1, "hats": 1}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text("abcxyz", min_size=1, max_size=6)), shortest=st.integers(1, 7))
def test_every_word_of_the_minimal_length_is_counted(tmp_path, words, shortest):
    path = tmp_path / "words.txt"
    path.write_text(" ".join(words))
    counted = CountWords()(input_path=path, min_length=shortest)
    assert counted.counts == Counter(word for word in words if len(word) >= shortest)


def test_the_most_frequent_words_come_first_and_ties_by_the_alphabet(notes, tmp_path):
    stats = stats_of(TextStatsContext(input_path=notes, output_path=tmp_path / "stats.json", top=3))
    assert stats == {
        "lines": 3,
        "words": 8,
        "distinct_words": 6,
        "top_words": [{"word": "hat", "count": 2}, {"word": "the", "count": 2}, {"word": "42", "count": 1}],
    }


def test_an_empty_file_has_no_words(tmp_path):
    empty = tmp_path / "empty.txt"
    empty.touch()
    stats = stats_of(TextStatsContext(input_path=empty, output_path=tmp_path / "stats.json"))
    assert stats == {"lines": 0, "words": 0, "distinct_words": 0, "top_words": []}


def test_a_date_goes_into_the_name_and_the_file(notes, tmp_path):
    context = TextStatsContext(input_path=notes, output_path=tmp_path / "out" / "stats.json", date="2026-05-01")
    result = TextStats()(context)
    assert result.path == tmp_path / "out" / "stats-2026-05-01.json"
    assert json.loads(result.path.read_text())["date"] == "2026-05-01"
    assert not context.output_path.exists()


def test_a_second_run_replaces_the_file_unless_told_not_to(notes, tmp_path):
    context = TextStatsContext(input_path=notes, output_path=tmp_path / "stats.json")
    TextStats()(context)
    notes.write_text("new words")
    kept = TextStats()(context.model_copy(update={"overwrite": False}))
    assert (kept.status, json.loads(context.output_path.read_text())["words"]) == ("exists", 8)
    assert (TextStats()(context).status, json.loads(context.output_path.read_text())["words"]) == ("written", 2)


def test_a_missing_text_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.txt"):
        TextStats()(input_path=tmp_path / "nowhere.txt", output_path=tmp_path / "stats.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("field", "value"), [("min_length", 0), ("top", -1), ("date", "yesterdayish")])
def test_bad_values_are_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        TextStatsContext.model_validate({"input_path": "notes.txt", "output_path": "stats.json", field: value})


def test_a_backfill_under_a_graph_evaluator_counts_the_text_once(notes, tmp_path, count_calls):
    step = {"input_path": notes, "output_path": tmp_path / "stats.json"}
    with count_calls(GraphEvaluator()) as calls:
        result = BackfillModel(model=TextStats())([dt.date(2026, 5, 1), dt.date(2026, 5, 5), step])
    assert result.value["steps"] == 5
    assert calls == {"BackfillModel": 1, "TextStats": 5, "CountWords": 1, "LocalWriteModel": 5}
    assert {Path(output["value"]["path"]).name for output in result.value["outputs"]} == {
        f"stats-2026-05-0{day}.json" for day in range(1, 6)
    }
