"""Graphs in pools of every kind: each node once, used from many threads, interrupted, broken, and from the command."""

import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import traceback
from collections import Counter
from pathlib import Path

import pytest
from ccflow import FlowOptions, FlowOptionsOverride

from ccflow_etl import ParallelGraphEvaluator, ProcessExecutor, SerialExecutor, ThreadExecutor

MODELS = """
    import os
    import signal
    import threading

    from ccflow import CallableModel, ContextBase, Flow, GenericResult
    from pydantic import PrivateAttr


    class Number(ContextBase):
        number: int


    class Fibonacci(CallableModel):
        '''Notes each of its evaluations in a file of its number, with the process.'''

        folder: str
        fails: int | None = None
        kills: int | None = None

        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            with open(f"{self.folder}/{context.number}", "a") as runs:
                runs.write(f"{os.getpid()}\\n")
            if context.number == self.fails:
                raise LookupError(f"no data for {context.number}")
            if context.number == self.kills:
                os.kill(os.getpid(), signal.SIGKILL)
            needed = self._needed(context)
            return GenericResult[int](value=sum(self(each).value for each in needed) if needed else context.number)

        @Flow.deps
        def __deps__(self, context: Number):
            return [(self, self._needed(context))]

        def _needed(self, context):
            return [Number(number=context.number - less) for less in (1, 2)] if context.number > 1 else []


    class Interrupting(CallableModel):
        '''The first interrupts who waits for it, and all that begin end when they are told to.'''

        folder: str
        process: int

        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            open(f"{self.folder}/{context.number}", "w").close()
            if context.number == 0:
                os.kill(self.process, signal.SIGINT)
            END.wait(60)
            return GenericResult[int](value=context.number)


    class Failing(CallableModel):
        '''The second fails once the first has begun, and the first ends once the second has failed.'''

        _begun: threading.Event = PrivateAttr(default_factory=threading.Event)
        _failed: threading.Event = PrivateAttr(default_factory=threading.Event)
        _ended: list = PrivateAttr(default_factory=list)

        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            if context.number == 0:
                self._begun.set()
                assert self._failed.wait(60)
                self._ended.append(0)
            elif context.number == 1:
                assert self._begun.wait(60)
                self._failed.set()
                raise LookupError("no data")
            return GenericResult[int](value=0)


    class Holding(CallableModel):
        '''Answers with the count of its calls, and notes when it is pickled.'''

        _held: object = PrivateAttr(None)
        _calls: int = PrivateAttr(0)

        def __getstate__(self):
            PICKLED.append(self)
            return super().__getstate__()

        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            self._calls += 1
            return GenericResult[int](value=self._calls)


    PICKLED = []


    class Ten(CallableModel):
        model: CallableModel

        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            return GenericResult[int](value=sum(self.model(each).value for each in self._needed()))

        @Flow.deps
        def __deps__(self, context: Number):
            return [(self.model, self._needed())]

        def _needed(self):
            return [Number(number=number) for number in range(10)]


    END = threading.Event()
"""

SPAWN = multiprocessing.get_context("spawn")
POOLS = {
    "none": lambda dask: None,
    "serial": lambda dask: SerialExecutor(),
    "threads": lambda dask: ThreadExecutor(max_workers=2),
    "processes": lambda dask: ProcessExecutor(max_workers=2),
    "dask": lambda dask: dask,
    "their threads": lambda dask: concurrent.futures.ThreadPoolExecutor(2),
    "their processes": lambda dask: concurrent.futures.ProcessPoolExecutor(2, SPAWN),
}
ELSEWHERE = ("processes", "dask", "their processes")


@pytest.fixture(scope="module")
def models(import_as):
    return import_as("parallel_pool_models", MODELS)


@pytest.fixture(scope="module", params=POOLS)
def evaluator(request, dask_pool):
    pool = POOLS[request.param](dask_pool)
    yield ParallelGraphEvaluator(executor=pool)
    if request.param.startswith("their"):
        pool.shutdown()


def under(evaluator, model, number):
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator)):
        return model({"number": number}).value


def processes(folder):
    return {int(path.name): path.read_text().split() for path in folder.iterdir()}


def test_each_node_is_evaluated_once_wherever_it_is(evaluator, models, tmp_path, request):
    assert under(evaluator, models.Fibonacci(folder=str(tmp_path)), 20) == 6765
    noted = processes(tmp_path)
    assert {number: len(runs) for number, runs in noted.items()} == dict.fromkeys(range(21), 1)
    assert noted.pop(20) == [str(os.getpid())]  # the root, where it is called
    is_elsewhere = request.node.callspec.params["evaluator"] in ELSEWHERE
    assert (str(os.getpid()) in {run for [run] in noted.values()}) is not is_elsewhere


def test_an_error_is_told_with_its_node_and_its_line_wherever_it_is(evaluator, models, tmp_path):
    with pytest.raises(LookupError, match="no data for 3") as caught:
        under(evaluator, models.Fibonacci(folder=str(tmp_path), fails=3), 10)
    assert caught.value.__notes__[0] == "in the node Fibonacci of Number(number=3)"
    assert 'raise LookupError(f"no data for' in "".join(traceback.format_exception(caught.value))
    assert not {4, 5, 6, 7, 8, 9, 10} & processes(tmp_path).keys()
    assert under(evaluator, models.Fibonacci(folder=str(tmp_path)), 10) == 55


def test_many_threads_use_one_evaluator_and_its_pool(evaluator, models, tmp_path):
    """Each has a graph of its own: what one evaluates is never passed on to another."""
    folders = [tmp_path / str(number) for number in range(3)]
    start = threading.Barrier(len(folders), timeout=60)
    values = []

    def run(folder):
        folder.mkdir()
        start.wait()
        values.append(models.Fibonacci(folder=str(folder))({"number": 8}).value)

    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator)):
        threads = [threading.Thread(target=run, args=[folder]) for folder in folders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert values == [21] * 3
    for folder in folders:
        assert {number: len(runs) for number, runs in processes(folder).items()} == dict.fromkeys(range(9), 1)


@pytest.fixture
def interrupts():
    """Ctrl-C as it is in a terminal, whatever runs the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("executor", [SerialExecutor(), ThreadExecutor(max_workers=2), ProcessExecutor(max_workers=2)])
@pytest.mark.usefixtures("interrupts")
def test_ctrl_c_ends_a_graph_and_no_other_node_begins(executor, models, tmp_path):
    models.END.clear()
    interrupting = models.Interrupting(folder=str(tmp_path), process=os.getpid())
    try:
        with pytest.raises(KeyboardInterrupt):
            under(ParallelGraphEvaluator(executor=executor), models.Ten(model=interrupting), 0)
    finally:
        models.END.set()
    assert processes(tmp_path).keys() <= {0, 1}
    assert under(ParallelGraphEvaluator(executor=executor), models.Ten(model=models.Fibonacci(folder=str(tmp_path))), 0)


def test_nodes_that_run_when_another_fails_end_before_the_error_is_raised(models):
    failing = models.Failing()
    with pytest.raises(LookupError, match="no data"):
        under(ParallelGraphEvaluator(executor=ThreadExecutor(max_workers=2)), models.Ten(model=failing), 0)
    assert failing._ended == [0]


def test_a_killed_process_is_an_error_and_the_next_graph_has_others(models, tmp_path):
    evaluator = ParallelGraphEvaluator(executor=ProcessExecutor(max_workers=2))
    with pytest.raises(concurrent.futures.BrokenExecutor) as caught:
        under(evaluator, models.Fibonacci(folder=str(tmp_path), kills=3), 10)
    assert caught.value.__notes__[0].startswith("in the node Fibonacci of Number(number=")
    assert under(evaluator, models.Fibonacci(folder=str(tmp_path)), 10) == 55


def test_what_does_not_pickle_is_told_with_its_node(models, tmp_path):
    evaluator = ParallelGraphEvaluator(executor=ProcessExecutor(max_workers=1))
    held = models.Holding()
    held._held = threading.Lock()
    with pytest.raises(TypeError, match=r"the node Holding of Number\(number=0\) cannot be sent.*lock.*in threads"):
        under(evaluator, models.Ten(model=held), 0)
    assert under(ParallelGraphEvaluator(), models.Ten(model=held), 0) == 55


def test_a_model_travels_once_for_a_graph_and_what_it_remembers_ends_with_that(models):
    models.PICKLED.clear()
    with concurrent.futures.ProcessPoolExecutor(1, SPAWN) as pool:
        evaluator = ParallelGraphEvaluator(executor=pool)
        for _ in range(2):
            model = models.Holding()
            assert under(evaluator, models.Ten(model=model), 0) == sum(range(1, 11))
            assert models.PICKLED.pop() is model
            assert models.PICKLED == []


SCRIPT = """\
import os

from ccflow import CallableModel, DateContext, Flow, FlowOptions, FlowOptionsOverride, GenericResult

from ccflow_etl import BackfillModel, ParallelGraphEvaluator, ProcessExecutor


class Day(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        os.write(1, f"{context.date}\\n".encode())  # at once: two processes write here
        return GenericResult[int](value=context.date.day)


class Twice(CallableModel):
    day: Day

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        return GenericResult[int](value=2 * self.day(context).value)

    @Flow.deps
    def __deps__(self, context: DateContext):
        return [(self.day, [context])]


if __name__ == "__main__":
    evaluator = ParallelGraphEvaluator(executor=ProcessExecutor(max_workers=2))
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator)):
        result = BackfillModel(model=Twice(day=Day()))(["2024-02-28", "2024-03-02"])
    print([output["value"] for output in result.value["outputs"]])
"""


def test_models_of_a_script_are_evaluated_once_in_processes(tmp_path):
    """They travel as they are, not by name."""
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    days = ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    assert Counter(done.stdout.splitlines()) == Counter([*days, "[56, 58, 2, 4]"])


CONFIG = """\
defaults:
  - _self_
  - /callable: callable
  - /executors: default

model:
  _target_: parallel_pool_models.Fibonacci
  folder: ./noted

context:
  number: 12

cli:
  model:
    _target_: ccflow.FlowOptions
    cacheable: true
    evaluator:
      _target_: ccflow.evaluators.MultiEvaluator
      evaluators:
        - _target_: ccflow_etl.ParallelGraphEvaluator
          executor: EXECUTOR
        - _target_: ccflow.evaluators.MemoryCacheEvaluator
        - _target_: ccflow.evaluators.LoggingEvaluator
"""


@pytest.mark.parametrize(
    "executor", ["/executors/threads", "/executors/processes", "{_target_: ccflow_etl.ThreadExecutor, max_workers: 2}"]
)
def test_configured_for_the_command(executor, scripts, tmp_path):
    Path(tmp_path, "noted").mkdir()
    Path(tmp_path, "parallel_pool_models.py").write_text(textwrap.dedent(MODELS))
    Path(tmp_path, "graph.yaml").write_text(CONFIG.replace("EXECUTOR", executor))
    command = [scripts / "cc-etl", "--config-path", ".", "--config-name", "graph"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "value: 144" in done.stdout
    noted = processes(tmp_path / "noted")
    assert {number: len(runs) for number, runs in noted.items()} == dict.fromkeys(range(13), 1)
    assert (len({run for [run] in noted.values()}) > 1) is ("processes" in executor)
