"""A stdout that cannot be written, and a result that cannot be printed: the run is over, and did not fail."""

import pytest

ODD = """\
import sys

from ccflow import CallableModel, ContextBase, Flow, GenericResult


class Result:
    def __str__(self):
        raise LookupError("no text")


class Odd(CallableModel):
    what: str = "3"

    @Flow.call
    def __call__(self, context: ContextBase) -> GenericResult:
        open("ran", "w").close()
        return GenericResult(value=eval(self.what))
"""
ODD_CONFIG = "model: {_target_: odd.Odd}\ncallable: /model\ncontext: {}\n"
UNSERIALIZABLE = "PydanticSerializationError: Error serializing to JSON: "
CLOSED = "stdout could not be written: ValueError: I/O operation on closed file"
RUN = "cc-etl -cp config -cn odd"
FULL = "stdout could not be written: OSError: [Errno 28] No space left on device"


@pytest.fixture
def odd(shell):
    return shell.with_config("odd", ODD_CONFIG, odd=ODD)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--json \"+model.what='Result()'\"", f"{UNSERIALIZABLE}LookupError: no text"),
        ("\"+model.what='sys.stdout.close()'\"", CLOSED),
        ("> /dev/full", FULL),
        ("--json > /dev/full", FULL),
    ],
)
def test_a_result_that_cannot_be_printed_is_a_run_that_is_over(odd, arguments, told):
    done = odd(f"{RUN} {arguments}")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: the run is over, and its result could not be printed: {told}")
    assert "\nhint: what was run is done; only printing it failed\nhint: --debug shows" in done.err
    assert odd.files() == ["config/odd.yaml", "odd.py", "ran"]


@pytest.mark.parametrize(
    "command",
    [
        "cc-etl --help",
        "cc-etl --hydra-help",
        "cc-etl --version",
        "cc-etl -c all",
        "cc-etl-explain",
        "cc-etl-explain --json",
        "cc-etl-explain --provenance",
        "cc-etl-explain --provenance --json",
        "cc-etl-plan -cp config -cn days",
        "cc-etl-plan -cp config -cn days --json context.end_datetime=2030-01-01",
        "cc-etl-plan -cp config -cn days --status",
    ],
)
def test_a_full_stdout_is_told_of(shell, command):
    done = shell.with_days()(f"{command} > /dev/full")
    assert (done.code, done.err) == (1, f"error: {FULL}\nhint: --debug shows the full traceback\n")


def test_an_interrupted_model_that_closed_stdout_is_interrupted(odd):
    models = odd.folder / "odd.py"
    models.write_text(models.read_text().replace("open(", "sys.stdout.close(); raise KeyboardInterrupt; open("))
    done = odd(RUN)
    assert (done.code, done.err) == (130, "")
