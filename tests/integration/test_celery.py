"""ccflow-celery's graph evaluator, as published, with a real worker and a broker of files on this machine."""

import os
import subprocess
import sys
import textwrap
from collections import Counter

import pytest
from ccflow import FlowOptions, FlowOptionsOverride

from ccflow_etl import BackfillError, BackfillModel, LocalCheckpointStore, RetryPolicy

pytestmark = pytest.mark.integration

DAYS = [f"2024-01-0{day}" for day in range(1, 7)]

MODELS = """
    import os
    from pathlib import Path

    from ccflow import CallableModel, DateContext, Flow, GenericResult


    class Noting(CallableModel):
        '''Notes each of its runs in a file, with the process it takes place in.'''

        folder: str
        missing: str = ""

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[str]:
            with Path(self.folder, str(context.date)).open("a") as runs:
                runs.write(f"{os.getpid()}\\n")
            if str(context.date) == self.missing:
                raise LookupError("no data")
            return GenericResult[str](value=str(context.date))


    class Holding(Noting):
        folder: Path
"""

APP = """
    import os
    from pathlib import Path

    from ccflow_celery import CeleryApp, CeleryConfig


    class Files(CeleryApp):
        '''Messages and results are files.'''

        def get_app(self):
            app = super().get_app()
            folder = Path(os.environ["CELERY_FILES"])
            queue, control = str(folder / "queue"), str(folder / "control")
            app.conf.broker_transport_options = {
                "data_folder_in": queue, "data_folder_out": queue, "control_folder": control
            }
            return app


    def files():
        backend = f"file://{os.environ['CELERY_FILES']}/results"
        return Files(config=CeleryConfig(broker_url="filesystem://", result_backend=backend))


    app = files().get_app()
"""


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """The folder of the notes, while a worker of two processes runs."""
    for name, text in {"celery_models": MODELS, "celery_files": APP}.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("queue", "results", "control", "noted"):
        (tmp_path / name).mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CELERY_FILES", str(tmp_path))
    command = [sys.executable, "-m", "celery", "-A", "celery_files", "worker", "--concurrency", "2", "-Q", "default"]
    worker = subprocess.Popen(
        [*command, "--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield tmp_path / "noted"
    worker.terminate()
    worker.wait(60)


def on_celery(backfill, context):
    import celery_files
    from ccflow_celery import CeleryGraphEvaluator

    evaluator = CeleryGraphEvaluator(app=celery_files.files(), timeout=60)
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator)):
        return backfill(context)


def test_a_plain_backfill_gives_what_it_gives_here(noted):
    import celery_models

    context = ["2024-01-01", "2024-01-06"]
    backfill = BackfillModel(model=celery_models.Noting(folder=str(noted)))
    result = on_celery(backfill, context)
    runs = {path.name: path.read_text().split() for path in noted.iterdir()}
    assert result.value == backfill(context).value
    assert result.summary.succeeded == 6
    # The steps, and the backfill itself, which is called on a worker as well and is told none of their results.
    assert Counter(len(processes) for processes in runs.values()) == {2: 6}
    assert str(os.getpid()) not in {process for processes in runs.values() for process in processes}


@pytest.fixture
def store(tmp_path):
    return LocalCheckpointStore(path=tmp_path / "marks.sqlite")


def runs_in(folder):
    return {path.name: len(path.read_text().split()) for path in folder.iterdir()}


def test_a_backfill_with_marks_runs_each_step_once(noted, store):
    """They are made where the steps run; called after them, the backfill finds every step done."""
    import celery_models

    backfill = BackfillModel(model=celery_models.Noting(folder=str(noted)), checkpoint_store=store, key="{step}")
    result = on_celery(backfill, ["2024-01-01", "2024-01-06"])
    assert (result.value, result.summary.by_status) == ({"steps": 6, "outputs": []}, {"checkpoint": 6})
    assert {mark.key: mark.status for mark in store.list()} == dict.fromkeys(DAYS, "succeeded")
    assert runs_in(noted) == dict.fromkeys(DAYS, 1)
    on_celery(backfill, ["2024-01-01", "2024-01-08"])
    assert runs_in(noted) == dict.fromkeys([*DAYS, "2024-01-07", "2024-01-08"], 1)


def test_a_step_that_fails_is_marked_and_tried_once_more(noted, store):
    """The others run, the backfill on a worker tries what is not done, and its error comes back."""
    import celery_models

    model = celery_models.Noting(folder=str(noted), missing="2024-01-03")
    retry = RetryPolicy(max_attempts=2, retry_exception_types=["LookupError"])
    backfill = BackfillModel(model=model, checkpoint_store=store, key="{step}", on_error="continue", retry=retry)
    with pytest.raises(BackfillError, match=r"1 of 1 steps failed, first 2024-01-03 .*LookupError: no data"):
        on_celery(backfill, ["2024-01-01", "2024-01-06"])
    told = {mark.key: (mark.status, mark.metadata["attempts"]) for mark in store.list()}
    assert told == {day: ("failed", 2) if day == "2024-01-03" else ("succeeded", 1) for day in DAYS}
    assert runs_in(noted) == {day: 4 if day == "2024-01-03" else 1 for day in DAYS}


def test_what_has_no_json_cannot_be_sent(noted):
    """A model and its context travel as the JSON of their dumps."""
    import celery_models
    from kombu.exceptions import EncodeError

    backfill = BackfillModel(model=celery_models.Holding(folder=noted))
    with pytest.raises(EncodeError, match="PosixPath"):
        on_celery(backfill, ["2024-01-01", "2024-01-06"])
    assert list(noted.iterdir()) == []
