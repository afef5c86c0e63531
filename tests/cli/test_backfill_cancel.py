"""Ctrl-C and SIGTERM in the middle of a backfill: what ends, what is recorded, and what can go on later."""

import json
import os
import select
import signal
import subprocess
from collections import Counter

import pytest

from ccflow_etl import LocalCheckpointStore

MODELS = """\
import os

from ccflow import CallableModel, DateContext, Flow, GenericResult


class Gated(CallableModel):
    '''Tells that it has begun, and ends when its gate is opened.'''

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        begun = os.open("begun", os.O_WRONLY)
        os.write(begun, f"{context.date}\\n".encode())
        os.close(begun)
        with open(f"gate-{context.date}") as gate:
            gate.readline()
        return GenericResult[str](value=str(context.date))


class Refused(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        begun = os.open("begun", os.O_WRONLY)
        os.write(begun, f"{context.date}\\n".encode())
        os.close(begun)
        raise ConnectionError("refused")
"""

CONFIG = """\
defaults:
  - /backfill: default
  - _self_
model:
  _target_: gated.Gated
backfill:
  checkpoint_store:
    _target_: ccflow_etl.LocalCheckpointStore
    path: marks.sqlite
  key: "{step}"
  report_path: run.jsonl
context:
  start_datetime: 2024-01-01
  end_datetime: 2024-01-06
"""

EXECUTORS = {
    "serial": (1, []),
    "threads": (2, ["backfill.executor=/executors/threads", "executors.threads.max_workers=2"]),
    "processes": (1, ["backfill.executor=/executors/processes", "executors.processes.max_workers=1"]),
    "dask": (
        1,
        ["backfill.executor=/executors/dask", "executors.dask.n_workers=1", "executors.dask.threads_per_worker=1"],
    ),
}
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Run:
    """A `cc-etl` that is under way in a folder of its own."""

    def __init__(self, shell, arguments, *, before, measured):
        self.folder = shell.folder
        (self.folder / "gated.py").write_text(MODELS)
        for name in ("config", "temporary"):
            (self.folder / name).mkdir()
        (self.folder / "config" / "gated.yaml").write_text(CONFIG)
        # Both ends of each, so that nobody waits for another to open it, or ends when another closes it.
        self._pipes = {}
        for name in ("begun", *(f"gate-2024-01-0{day}" for day in range(1, 7))):
            os.mkfifo(self.folder / name)
            self._pipes[name] = (self.folder / name).open("r+b", buffering=0)
        self.process = subprocess.Popen(
            [*before, "cc-etl", "-cp", "config", "-cn", "gated", *arguments],
            cwd=self.folder,
            env=shell.environment(**measured, TMPDIR=str(self.folder / "temporary")),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # what follows a line that is read stays in the pipe
            start_new_session=True,  # a group of processes of its own, as a terminal gives each command
        )

    def begun(self, steps):
        """The steps that have begun, once they are this many."""
        return sorted(self._pipes["begun"].readline().decode().strip() for _ in range(steps))

    def send(self, number):
        """Send a signal; Ctrl-C as a terminal does, to all processes of the run."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def interrupt(self, number):
        """Send a signal, and wait until it was heard."""
        self.send(number)
        heard, _, _ = select.select([self.process.stderr], [], [], 60)
        assert heard, "it says nothing"
        return self.told()

    def told(self):
        """The next line of what it says."""
        return self.process.stderr.readline().decode()

    def open_gate(self, step):
        self._pipes[f"gate-{step}"].write(b"\n")

    def end(self):
        out, err = self.process.communicate(timeout=60)
        assert list((self.folder / "temporary").iterdir()) == []
        return out.decode(), err.decode()

    def close(self):
        self.process.kill()
        self.process.communicate()
        for pipe in self._pipes.values():
            pipe.close()

    def statuses(self):
        lines = [json.loads(line) for line in (self.folder / "run.jsonl").read_text().splitlines()]
        return {line["step"][:10]: line["status"] for line in lines}

    def marks(self):
        store = LocalCheckpointStore(path=self.folder / "marks.sqlite")
        return {record.key: record.status for record in store.list()}


def assert_they_end(run, running, code):
    """Let the running steps end: they are all that succeeded and is marked, and the command tells of it."""
    for step in running:
        run.open_gate(step)
    out, err = run.end()
    assert run.process.returncode == code
    assert (out, err) == ("", f"cancelled: 6 steps: {6 - len(running)} cancelled, {len(running)} succeeded\n")
    assert run.marks() == dict.fromkeys(running, "succeeded")


@pytest.fixture
def start(shell, measured):
    runs = []

    def start(*arguments, before=()):
        # A pool would be measured with its command: its workers take twice as long to start.
        runs.append(Run(shell, arguments, before=before, measured={} if arguments else measured))
        return runs[-1]

    yield start
    for run in runs:
        run.close()


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("kind", EXECUTORS)
def test_the_first_signal_lets_running_steps_end(start, kind, number):
    workers, arguments = EXECUTORS[kind]
    run = start(*arguments)
    running = run.begun(workers)
    assert "interrupt again" in run.interrupt(number)
    assert_they_end(run, running, SIGNALS[number])
    assert Counter(run.statuses().values()) == {"succeeded": workers, "cancelled": 6 - workers}
    assert {step for step, status in run.statuses().items() if status == "succeeded"} == set(running)


@pytest.mark.parametrize("kind", ["serial", "threads", "processes"])
def test_sigterm_to_all_processes_of_a_run_lets_running_steps_end(start, kind):
    """As a scheduler sends it that ends a job."""
    workers, arguments = EXECUTORS[kind]
    run = start(*arguments)
    running = run.begun(workers)
    os.killpg(run.process.pid, signal.SIGTERM)
    assert "interrupt again" in run.told()
    assert_they_end(run, running, SIGNALS[signal.SIGTERM])


@pytest.mark.parametrize("kind", EXECUTORS)
def test_sigterm_is_heard_where_ctrl_c_is_ignored(start, kind):
    """As it is for what a script starts in the background."""
    workers, arguments = EXECUTORS[kind]
    run = start(*arguments, before=["bash", "-c", 'trap "" INT; exec "$@"', "-"])
    running = run.begun(workers)
    run.send(signal.SIGINT)
    assert "interrupt again" in run.interrupt(signal.SIGTERM)
    run.send(signal.SIGINT)
    assert_they_end(run, running, SIGNALS[signal.SIGTERM])


def test_a_second_sigterm_abandons_them_where_ctrl_c_is_ignored(start):
    run = start(before=["bash", "-c", 'trap "" INT; exec "$@"', "-"])
    run.begun(1)
    run.interrupt(signal.SIGTERM)
    run.send(signal.SIGTERM)
    out, err = run.end()
    assert (run.process.returncode, out, err) == (143, "", "cancelled: 6 steps: 6 cancelled\n")


@pytest.mark.parametrize("kind", EXECUTORS)
def test_the_second_signal_abandons_them(start, kind):
    workers, arguments = EXECUTORS[kind]
    run = start(*arguments)
    run.begun(workers)
    run.interrupt(signal.SIGINT)
    run.send(signal.SIGINT)
    out, err = run.end()
    assert run.process.returncode == 130
    assert (out, err) == ("", "cancelled: 6 steps: 6 cancelled\n")
    assert run.marks() == {}
    assert run.statuses() == {f"2024-01-0{day}": "cancelled" for day in range(1, 7)}


@pytest.mark.parametrize("kind", ["serial", "threads"])
def test_a_wait_before_the_next_attempt_is_cut_short(start, kind):
    workers, arguments = EXECUTORS[kind]
    retry = "+backfill.retry={max_attempts: 2, retry_exception_types: [ConnectionError], initial_delay_seconds: 3600}"
    run = start("model._target_=gated.Refused", retry, *arguments)
    run.begun(workers)
    run.interrupt(signal.SIGINT)
    out, err = run.end()
    assert run.process.returncode == 130
    assert (out, err) == ("", "cancelled: 6 steps: 6 cancelled\n")
    assert run.marks() == {}


def test_a_cancelled_run_goes_on_where_it_was(start, shell):
    run = start()
    [step] = run.begun(1)
    run.interrupt(signal.SIGINT)
    run.open_gate(step)
    run.end()
    again = subprocess.Popen(
        ["cc-etl", "-cp", "config", "-cn", "gated", "context.end_datetime=2024-01-02"],
        cwd=shell.folder,
        env=shell.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.begun(1) == ["2024-01-02"]
    run.open_gate("2024-01-02")
    out, _ = again.communicate(timeout=60)
    assert (again.returncode, out) == (0, "2 steps: 1 checkpoint, 1 succeeded\n")
