"""Progress as it is seen: on the screen of a real terminal, in a log, in the output of a notebook's cell."""

import contextlib
import io
import os
import re
import sys
import threading
from contextvars import copy_context

import nbformat
import pytest
from nbclient import NotebookClient

from ccflow_etl.execution.progress import open_progress, progress_by_default
from ccflow_etl.execution.progress_notebook import NotebookProgress
from ccflow_etl.execution.tally import Tally

RUN = """\
import logging, os, sys
logging.basicConfig(format="%(levelname)s %(message)s")
from ccflow_etl.execution.progress import open_progress

def wait():
    os.read(int(os.environ["GO"]), 1)

with open_progress("365 steps, 100 done before", 265, True) as progress:
    progress.ended("succeeded", steps=130)
    progress.ended("failed", steps=2)
    wait()
    logging.warning("a logged line")
    print("a printed line")
    print("an error line", file=sys.stderr)
    progress.ended("succeeded", steps=10)
    wait()
print("afterwards")
"""
WRITTEN = ["WARNING a logged line", "a printed line", "an error line"]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def shown_lines():
    """A log, and what makes stderr write into it."""
    log = io.StringIO()
    return log, contextlib.redirect_stderr(log)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (40, "132/265  2 failed"),
        (80, "365 steps, 100 done before  "),
        (200, "132/265  49%  2 failed"),
    ],
)
def test_a_bar_is_one_line_below_what_is_written(terminal, columns, expected):
    run = terminal(RUN, columns=columns)
    (bar,) = run.until("132/265")
    assert expected in bar
    assert "━━━" in bar
    assert bar.endswith(" left") or columns < 200
    assert run.screen.cursor.hidden
    run.go()
    *above, bar = run.until("142/265")
    assert above == WRITTEN
    run.go()
    *above, bar, last = run.end()
    assert (above, last) == (WRITTEN, "afterwards")
    assert "142/265" in bar
    assert not run.screen.cursor.hidden
    assert run.process.returncode == 0


def test_the_bar_of_a_wide_terminal_has_it_all(terminal):
    run = terminal(RUN, columns=200)
    run.go()
    run.go()
    bar = next(line for line in run.end() if "142/265" in line)
    label, drawn, counted, percent, failed, rate, took = bar.split("  ")
    assert (label, counted, percent, failed) == ("365 steps, 100 done before", "142/265", "53%", "2 failed")
    assert set(drawn) <= set("━╸╺")
    assert len(drawn) == 40
    assert rate.endswith("/s")
    assert took.startswith("in ")


def test_no_color_is_without_color_and_the_same_words(terminal):
    run = terminal(RUN, columns=200, NO_COLOR="1")
    run.go()
    run.go()
    run.end()
    assert "2 failed" in "".join(run.screen.display)
    assert not [code for code in (b"\x1b[3", b"\x1b[9", b"38;5;", b"\x1b[1;31m") if code in run.written]


def test_a_long_line_is_written_whole(terminal):
    long = " ".join(["many words"] * 20)
    run = terminal(RUN.replace("a logged line", long))
    run.go()
    run.go()
    run.end()
    assert f"WARNING {long}\r\n".encode() in run.written


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TTY_COMPATIBLE": "0"}], ids=repr)
def test_a_terminal_without_a_cursor_to_move_gets_lines_without_escapes(terminal, environment):
    run = terminal(RUN, columns=200, **environment)
    run.go()
    run.go()
    first, *written, told, last = run.end()
    assert first == "365 steps, 100 done before: 0/265, 0%"
    assert (written, last) == (WRITTEN, "afterwards")
    assert told.startswith("365 steps, 100 done before: 142/265, 53%, 2 failed, ")
    assert b"\x1b" not in run.written


def test_what_goes_into_a_pipe_is_left_alone(terminal):
    ours, theirs = os.pipe()
    run = terminal(RUN, stdout=theirs)
    os.close(theirs)
    run.go()
    run.go()
    *above, _ = run.end()
    assert above == [WRITTEN[0], WRITTEN[2]]
    with open(ours) as stdout:
        assert stdout.read() == "a printed line\nafterwards\n"


@pytest.mark.parametrize(
    "ending", ["raise LookupError('no data')", "import signal; signal.raise_signal(signal.SIGINT)"]
)
def test_an_exception_or_an_interrupt_leaves_the_last_state_and_the_cursor(terminal, ending):
    run = terminal(RUN.replace('print("a printed line")', ending))
    run.until("132/265")
    run.go()
    above, bar, *trace = run.end()
    assert above == WRITTEN[0]
    assert "132/265  49%  2 failed" in bar
    assert trace[0] == "Traceback (most recent call last):"
    assert not run.screen.cursor.hidden


def test_a_terminal_that_is_closed_does_not_end_the_run(terminal, tmp_path):
    silent = "".join(line for line in RUN.splitlines(keepends=True) if "print" not in line)
    # Python's own end would fail to flush stdout.
    run = terminal(f"{silent}open('ended', 'w').close()\nos._exit(0)")
    run.until("132/265")
    run.hang_up()
    run.go()
    run.go()
    run.end()
    assert run.process.returncode == 0
    assert (tmp_path / "ended").exists()


def test_handlers_log_where_they_did_before_once_it_ends(terminal):
    check = "assert logging.root.handlers[0].stream is sys.__stderr__ is sys.stderr, sys.stderr"
    run = terminal(RUN.replace('print("afterwards")', check))
    run.go()
    run.go()
    run.end()
    assert run.process.returncode == 0


def test_of_two_at_once_one_is_a_bar_and_the_other_lines(terminal):
    run = terminal(RUN.replace("    wait()\n", "    with open_progress('inner', 3, True):\n        wait()\n", 1))
    *above, _ = run.until("132/265")
    assert above == ["inner: 0/3, 0%"]
    run.go()
    run.go()
    assert [line for line in run.end() if line.startswith("inner: 0/3, 0%, in ")]


def test_a_log_gets_a_line_at_the_start_every_few_seconds_and_at_the_end(clock):
    log, to_log = shown_lines()
    with to_log, open_progress("100 steps", 100, True, interval=10, clock=clock) as progress:
        for _ in range(50):
            clock.now += 0.5
            progress.ended("succeeded")
        progress.ended("failed", steps=3)
    assert log.getvalue().splitlines() == [
        "100 steps: 0/100, 0%",
        "100 steps: 20/100, 20%, 2.0/s, 0:40 left",
        "100 steps: 40/100, 40%, 2.0/s, 0:30 left",
        "100 steps: 53/100, 53%, 3 failed, 2.1/s, in 0:25",
    ]


def test_the_last_line_is_told_once(clock):
    log, to_log = shown_lines()
    with to_log, open_progress("2 steps", 2, True, interval=0, clock=clock) as progress:
        progress.ended("succeeded", 2)
    assert log.getvalue().splitlines() == ["2 steps: 0/2, 0%", "2 steps: 2/2, 100%, in 0:00"]


def test_a_log_that_is_closed_does_not_end_the_run():
    log, to_log = shown_lines()
    with to_log, open_progress("2 steps", 2, True, interval=0) as progress:
        log.close()
        progress.ended("succeeded")


def test_an_attempt_that_is_tried_again_is_no_step(clock):
    tally = Tally(2, clock)
    tally.ended("retried")
    tally.ended("succeeded")
    assert tally.parts()[:3] == ["1/2", "50%", "1 retried"]


@pytest.mark.parametrize(
    ("seconds", "steps", "rate", "left"),
    [
        (2, 500, "250/s", "0:38 left"),
        (60, 60, "1.0/s", "2:45:40 left"),
        (60, 6, "6.0/min", "27:45:40 left"),
        (7200, 2, "1.0/h", "9998:00:00 left"),
        (0.001, 3000, "3,000,000/s", "0:00 left"),
    ],
)
def test_rate_and_time_left_have_units_that_fit(clock, seconds, steps, rate, left):
    tally = Tally(10_000, clock)
    clock.now = seconds
    tally.ended("succeeded", steps)
    assert tally.pace() == (rate, left)


def test_the_time_left_follows_a_change_of_speed(clock):
    tally = Tally(2_000, clock)
    for second in range(1, 401):  # ten steps a second, then one
        clock.now = second
        tally.ended("succeeded", 10 if second <= 100 else 1)
        rate, left = tally.pace()
        if second == 100:
            assert (rate, left) == ("10.0/s", "1:40 left")
    assert (rate, left) == ("1.0/s", "11:40 left")


def test_steps_that_end_many_at_once_have_a_steady_rate(clock):
    tally = Tally(1_000, clock)
    for second in range(1, 201):
        clock.now = second
        tally.ended("succeeded", 10 if second % 10 == 0 else 0)
        number, unit = (tally.pace()[0] or "1/s").split("/")
        assert second < 100 or 0.85 < float(number) / {"s": 1, "min": 60}[unit] < 1.15


def test_nearly_all_is_not_all(clock):
    tally = Tally(100_000, clock)
    tally.ended("succeeded", 99_999)
    assert tally.percent == "99%"


@pytest.mark.parametrize(
    ("asked", "default", "shown"),
    [(None, False, False), (None, True, True), (False, True, False), (True, False, True)],
)
def test_whether_it_is_shown_is_for_the_run_to_say_or_for_the_program_around_it(asked, default, shown):
    log, to_log = shown_lines()
    with to_log, progress_by_default(default), open_progress("2 steps", 2, asked) as progress:
        progress.ended("succeeded")
    assert bool(log.getvalue()) is shown


def test_by_default_is_until_the_end_of_the_block():
    log, to_log = shown_lines()
    with to_log:
        with progress_by_default():
            pass
        with open_progress("2 steps", 2):
            pass
    assert log.getvalue() == ""


@pytest.mark.parametrize("outer", [None, False])
def test_runs_within_a_run_are_not_shown(outer):
    log, to_log = shown_lines()

    def inner():
        with open_progress("inner", 2) as progress:
            progress.ended("succeeded")

    with to_log, progress_by_default(), open_progress("outer", 2, outer):
        inner()
        thread = threading.Thread(target=copy_context().run, args=[inner])
        thread.start()
        thread.join()
    assert "inner" not in log.getvalue()


def test_of_no_steps_nothing_is_shown():
    log, to_log = shown_lines()
    with to_log, open_progress("0 steps", 0, True):
        pass
    assert log.getvalue() == ""


def test_a_program_without_stderr_runs(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with open_progress("2 steps", 2, True) as progress:
        progress.ended("succeeded")


ENDED = [
    [],
    ["succeeded", "cancelled"],
    ["succeeded"] * 4,
    ["succeeded", "failed"],
    ["succeeded"] * 3 + ["failed"],
]

CELL = """\
from ccflow_etl.execution.progress import open_progress
now = [0.0]
with open_progress("4 steps <of 5>", 4, True, clock=lambda: now[0]) as progress:
    progress.ended("succeeded", 2)
    now[0] = 8.0
    progress.ended("failed")
"""


# The kernel talks to this process over loopback and says at each start that it does so without encryption.
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("ending", ["", "    raise LookupError('no data')\n"])
def test_a_notebook_has_one_output_that_changes(tmp_path, ending):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL + ending)])
    NotebookClient(notebook, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown, *error = notebook.cells[0].outputs
    assert [output.output_type for output in error] == (["error"] if ending else [])
    assert shown.data["text/plain"] == "4 steps <of 5>: 3/4, 75%, 1 failed, 22.5/min, in 0:08"
    assert "<progress" in shown.data["text/html"]
    assert "&lt;of 5&gt;" in shown.data["text/html"]


def notebook_html(*ended):
    progress = NotebookProgress("4 steps", Tally(4, lambda: 0.0), clock=lambda: 0.0)
    for status in ended:
        progress.ended(status)
    return progress._repr_mimebundle_()["text/html"]


def test_a_notebooks_bar_is_blue_green_when_all_is_done_and_red_with_a_failure():
    colors = [re.search("accent-color: (#[0-9a-f]{6})", notebook_html(*ended))[1] for ended in ENDED]
    assert colors == ["#0072b2", "#0072b2", "#009e73", "#d55e00", "#d55e00"]


def test_a_failure_is_told_in_bold_and_nothing_else_is():
    assert re.findall(r"<strong[^>]*>(.*?)</strong>", notebook_html("failed", "cancelled", "failed")) == ["2 failed"]
    assert "<strong" not in notebook_html("succeeded", "cancelled")


@pytest.mark.parametrize(("columns", "shown"), [(3, "132"), (7, "132/265"), (9, "132/265"), (10, "132/265")])
def test_what_is_wider_than_the_terminal_is_cut(columns, shown):
    from rich.console import Console

    from ccflow_etl.execution.progress_bar import _Line

    tally = Tally(265, lambda: 0)
    tally.ended("succeeded", 132)
    console = Console(width=columns, file=io.StringIO())
    console.print(_Line("a label", tally))
    assert console.file.getvalue().strip() == shown
