"""The gate on ratios: what it lets pass, what it stops, and what it says then."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.ratios import Measure, Row

ROOT = Path(__file__).parents[2]

# The work of ours is counted, not timed against a clock: ten times as much takes ten times as long anywhere.
BENCHMARK = """
import os

from benchmarks.ratios import Case

WORK = int(os.environ["WORK"])


def test_a_sum(compare):
    compare(Case("a sum", lambda: sum(range(WORK)), "a plain one", lambda: sum(range(10_000))))
    compare.sizes("its size", WORK, "a plain one", 10_000)
"""


def row(ours: float, **fields) -> Row:
    usual = {"engine": "made_up", "test": "bench_made_up.py::test_it", "what": "a call", "measure": "clock"}
    return Row(**usual | fields, ours=ours)


@pytest.fixture
def committed() -> results.Results:
    measured = [row(0.5, beside="pandas", theirs=1.0), row(100, beside="gzip", theirs=100, measure="bytes")]
    return results.tables(measured, {})


@pytest.mark.parametrize("ours", [0.01, 0.5, 0.999])
def test_a_ratio_within_the_tolerance_passes(committed, ours: float) -> None:
    assert results.regression(row(ours, beside="pandas", theirs=1.0), committed) is None


def test_slower_seconds_on_a_slower_machine_pass(committed) -> None:
    assert results.regression(row(50.0, beside="pandas", theirs=100.0), committed) is None


def test_a_worse_ratio_is_told_with_the_old_one_and_what_to_do(committed) -> None:
    said = results.regression(row(1.05, beside="pandas", theirs=1.0), committed)
    assert said is not None
    assert "made_up, a call: 1.05 of pandas, where it was 0.5: 2.10 times" in said
    assert "python -m pytest 'benchmarks/bench_made_up.py::test_it' --gate" in said
    assert "python -m pytest benchmarks/bench_made_up.py --record" in said


def test_sizes_have_a_tolerance_of_their_own(committed) -> None:
    assert results.regression(row(109, beside="gzip", theirs=100, measure="bytes"), committed) is None
    assert "1.12 times" in str(results.regression(row(112, beside="gzip", theirs=100, measure="bytes"), committed))


def test_a_row_that_was_never_recorded_is_told(committed) -> None:
    said = results.regression(row(0.1, beside="polars", theirs=1.0), committed)
    assert said is not None
    assert "a call beside polars is not in the committed results" in said


def run(folder: Path, work: int, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "bench_made_up.py").write_text(BENCHMARK)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.conftest", "-p", "no:cacheprovider"]
    command += ["--results", str(folder / "results.json"), "--rootdir", str(folder), str(folder / "bench_made_up.py")]
    environment = os.environ | {"WORK": str(work), "PYTHONPATH": str(ROOT)}
    return subprocess.run([*command, *options], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_slowed_function_fails_the_gate_and_the_record_stays(tmp_path: Path) -> None:
    done = run(tmp_path, 10_000, "--record")
    assert done.returncode == 0, done.stdout
    record = (tmp_path / "results.json").read_text()
    assert [row["what"] for row in json.loads(record)["made_up"]["rows"]] == ["a sum", "its size"]
    assert "| a sum |" in (tmp_path / "results.md").read_text()

    slowed = run(tmp_path, 100_000, "--gate")
    assert slowed.returncode == 1
    assert "made_up, a sum: " in slowed.stdout
    assert "of a plain one, where it was " in slowed.stdout
    assert (tmp_path / "results.json").read_text() == record

    sooner = run(tmp_path, 1_000, "--gate")
    assert sooner.returncode == 0, sooner.stdout


def test_recording_one_file_keeps_the_tables_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    measured_with = results.environment()
    for engine, ours in (("first", 1.0), ("second", 2.0), ("first", 3.0)):
        results.write(path, results.tables([row(ours, engine=engine, beside="pandas", theirs=1.0)], measured_with))
    found = results.read(path)
    assert {engine: table["rows"][0]["ours"] for engine, table in found.items()} == {"first": 3.0, "second": 2.0}


@pytest.mark.parametrize("options", [["--record", "-k", "sum"], ["--gate", "--benchmark-disable"]])
def test_what_would_record_half_a_table_or_small_sizes_is_refused(tmp_path: Path, options: list[str]) -> None:
    done = run(tmp_path, 10, *options)
    assert done.returncode == 4
    assert "leave out" in done.stderr
    assert not (tmp_path / "results.json").exists()


@pytest.mark.parametrize(
    ("ratio", "text"), [(12.345, "12.35"), (1.0, "1.00"), (0.851, "0.85"), (0.25, "1 / 4"), (1 / 1_234.5, "1 / 1,234")]
)
def test_ratios_are_written_as_they_are_read(ratio: float, text: str) -> None:
    assert results.fraction(ratio) == text


@pytest.mark.parametrize(
    ("number", "measure", "text"),
    [
        (0.25, "clock", "250 ms"),
        (2.0, "clock", "2 s"),
        (31.4e-6, "processor", "31.4 us"),
        (3e-9, "processor", "3 ns"),
        (13.8e6, "bytes", "13.8 MB"),
        (410, "bytes", "410 B"),
        (2e9, "memory", "2,000 MB"),
    ],
)
def test_amounts_are_short(number: float, measure: Measure, text: str) -> None:
    assert results.amount(number, measure) == text


def test_the_committed_results_hold_what_a_reader_needs_and_nothing_of_the_machine() -> None:
    found = results.read(results.RESULTS)
    page = results.RESULTS.with_suffix(".md").read_text()
    assert set(found) == {path.stem.removeprefix("bench_") for path in results.RESULTS.parent.glob("bench_*.py")}
    for table in found.values():
        assert set(table["environment"]) == {"python", "ccflow", "numpy", "pandas", "pyarrow", "cores", "load"}
        for row in table["rows"]:
            assert row["ratio"] == pytest.approx(row["ours"] / row["theirs"], rel=2e-3)
            assert f"| {row['what']} |" in page
