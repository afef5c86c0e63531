"""`cc-etl-plan --status`, and `--clear` and `--clear-failed`, which remove marks."""

import json
import os
import signal
import sqlite3
from contextlib import closing
from shutil import copytree

import pytest

MODULE = """

class DoneList(BaseModel):
    \"\"\"A store of somebody else's: a file with the keys that are done.\"\"\"

    def should_skip(self, key):
        return key in Path("done.txt").read_text().split()


class NoDelete:
    \"\"\"A byte store of somebody else's that cannot delete.\"\"\"

    def exists(self, key):
        return Path(key).exists()

    def put_bytes(self, key, payload, content_type=None):
        Path(key).parent.mkdir(exist_ok=True)
        Path(key).write_bytes(payload)

    def get_bytes(self, key):
        return Path(key).read_bytes()

    def uri(self, key):
        return key
"""

CONFIG = """\
done_list:
  _target_: my_days.DoneList
objects:
  _target_: ccflow_etl.CacheCheckpointStore
  store:
    _target_: my_days.NoDelete
"""

DAYS = "-cp config -cn days"
GO_ON = "+backfill.max_failures=10"
DONE_LIST = "backfill.checkpoint_store=/done_list"


@pytest.fixture(scope="module")
def after_runs(tmp_path_factory, shell_in):
    """Days 1 to 5 of 6 were run, 2 and 4 failed, and another backfill has marks in the same file."""
    shell = shell_in(tmp_path_factory.mktemp("runs")).with_days(config=CONFIG, module=MODULE)
    for date in ("2024-01-02", "2024-01-04"):
        (shell.folder / f"bad-{date}").write_text(f"no answer on {date}, " + "again and " * 20 + "again")
    others = shell(f"cc-etl {DAYS} 'backfill.key=\"others/{{step}}\"' {GO_ON} context.end_datetime=2024-01-02")
    assert others.out == "2 steps: 1 failed, 1 succeeded\n"
    done = shell(f"cc-etl {DAYS} {GO_ON} context.end_datetime=2024-01-05")
    assert done.out == "5 steps: 2 failed, 3 succeeded\n"
    (shell.folder / "runs.log").unlink()
    return shell.folder


@pytest.fixture
def days(after_runs, shell):
    """A folder of the test's own, as it is after the runs."""
    copytree(after_runs, shell.folder, dirs_exist_ok=True)
    return shell


@pytest.fixture
def asked(days, terminal, scripts):
    """Runs the command in a terminal, in the folder of the days."""
    return lambda *arguments, **options: terminal([str(scripts / "cc-etl-plan"), *DAYS.split(), *arguments], **options)


def marks(days):
    """The marks in the file: each key with its status."""
    with closing(sqlite3.connect(days.folder / "marks.sqlite")) as connection:
        return dict(connection.execute("SELECT key, status FROM checkpoints ORDER BY key"))


OTHERS = {"others/2024-01-01": "succeeded", "others/2024-01-02": "failed"}
SUCCEEDED = {f"days/2024-01-0{day}": "succeeded" for day in (1, 3, 5)}
FAILED = {f"days/2024-01-0{day}": "failed" for day in (2, 4)}
ALL = SUCCEEDED | FAILED | OTHERS


def test_the_status_has_marks_gaps_and_the_last_failures_and_nothing_runs(days):
    before = days.files()
    told = days(f"cc-etl-plan {DAYS} --status")
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[:12] == [
        "6 steps, marked in LocalCheckpointStore:",
        "  succeeded       3",
        "  failed          2",
        "  without a mark  1",
        "",
        "3 gaps:",
        "     start        end steps",
        "2024-01-02 2024-01-03     1",
        "2024-01-04 2024-01-05     1",
        "2024-01-06 2024-01-07     1",
        "",
        "2 failures:",
    ]
    with closing(sqlite3.connect(days.folder / "marks.sqlite")) as connection:
        query = "SELECT updated_at FROM checkpoints WHERE key LIKE 'days/%' AND status = 'failed' ORDER BY key DESC"
        times = [row[0][:19].replace("T", " ") for row in connection.execute(query)]
    assert lines[12::2] == [f"  2024-01-0{day}, failed at {time} UTC" for day, time in zip((4, 2), times, strict=True)]
    assert lines[13].startswith("    LookupError: no answer on 2024-01-04, again and again ")
    assert lines[13].endswith("...")
    assert max(map(len, lines)) == 80
    assert days.files() == before
    assert marks(days) == ALL


def test_the_status_is_one_line_of_json(days):
    told = days(f"cc-etl-plan {DAYS} --status --json")
    assert (told.code, told.err, told.out.count("\n")) == (0, "", 1)
    status = json.loads(told.out)
    assert (status["steps"], status["counts"]) == (6, {"failed": 2, "succeeded": 3, "unmarked": 1})
    assert [gap["start"][:10] for gap in status["gaps"]] == ["2024-01-02", "2024-01-04", "2024-01-06"]
    assert [failure["key"] for failure in status["failures"]] == ["days/2024-01-04", "days/2024-01-02"]
    assert status["failures"][1]["error"].endswith("again and again")
    assert status["context"]["end_datetime"] == "2024-01-06T00:00:00"


def test_nothing_is_marked_before_the_first_run_and_no_file_is_made(days):
    told = days(f"cc-etl-plan {DAYS} backfill.checkpoint_store.path=new.sqlite --status")
    assert told.out.splitlines()[:3] == ["6 steps, marked in LocalCheckpointStore:", "  without a mark  6", ""]
    assert "new.sqlite" not in days.files()


def test_a_range_without_steps_has_a_status_of_one_line(days):
    told = days(f"cc-etl-plan {DAYS} context.end_datetime=2023-12-31 --status")
    assert (told.code, told.out, told.err) == (0, "0 steps, marked in LocalCheckpointStore\n", "")


def test_a_store_that_only_tells_what_is_done(days):
    (days.folder / "done.txt").write_text("days/2024-01-01 days/2024-01-02")
    told = days(f"cc-etl-plan {DAYS} {DONE_LIST} --status")
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines() == [
        "6 steps, marked in DoneList:",
        "  succeeded  2",
        "  not known  4",
        "",
        "1 gap:",
        "     start        end steps",
        "2024-01-03 2024-01-07     4",
    ]


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_marks_are_removed_after_a_yes(days, asked, answer):
    run = asked("--clear", "days/2024-01-0[1-3]")
    assert run.until("[y/N]") == ["Remove 3 marks, such as days/2024-01-01? [y/N]"]
    assert marks(days) == ALL
    run.type(answer)
    assert run.end()[1:] == ["removed 3 marks"]
    assert run.process.returncode == 0
    assert marks(days).keys() == ALL.keys() - {f"days/2024-01-0{day}" for day in (1, 2, 3)}


@pytest.mark.parametrize("answer", ["n\n", "\n", "yeah\n", "\x04"])
def test_anything_but_a_yes_removes_nothing(days, asked, answer):
    run = asked("--clear-failed")
    run.until("Remove 2 marks, such as days/2024-01-02? [y/N]")
    run.type(answer)
    assert run.end()[1:] == ["removed 0 marks"]
    assert run.process.returncode == 0
    assert marks(days) == ALL


def test_ctrl_c_at_the_question_removes_nothing(days, asked):
    run = asked("--clear-failed")
    run.until("[y/N]")
    run.process.send_signal(signal.SIGINT)
    run.end()
    assert run.written.endswith(b"[y/N] \r\n")
    assert run.process.returncode == 130
    assert marks(days) == ALL


def test_a_mark_that_changes_while_the_question_waits_is_left(days, asked):
    run = asked("--clear-failed")
    run.until("[y/N]")
    (days.folder / "bad-2024-01-04").unlink()
    assert days(f"cc-etl {DAYS} context.start_datetime=2024-01-04").code == 0
    run.type("y\n")
    assert run.end()[1:] == ["removed 1 mark"]
    assert marks(days) == SUCCEEDED | OTHERS | {"days/2024-01-04": "succeeded", "days/2024-01-06": "succeeded"}


def test_the_question_is_not_in_the_json(days, asked):
    ours, theirs = os.pipe()
    run = asked("--clear", "*-02", "--json", stdout=theirs)
    os.close(theirs)
    run.until("Remove 1 mark, days/2024-01-02? [y/N]")
    run.type("y\n")
    run.end()
    with open(ours) as stdout:
        assert stdout.read() == '{"removed":["days/2024-01-02"]}\n'


def test_nothing_to_remove_is_not_asked_about(days, asked):
    run = asked("--clear", "*-06")
    assert run.end() == ["removed 0 marks"]
    assert run.process.returncode == 0


def test_a_question_that_nobody_would_see_is_not_asked(days, terminal):
    run = terminal(["bash", "-c", f"cc-etl-plan {DAYS} --clear-failed 2> told.log"], PATH=days.environment()["PATH"])
    assert run.end() == []
    assert run.process.returncode == 2
    assert "there is no terminal to ask in" in (days.folder / "told.log").read_text()


@pytest.mark.parametrize("where", ["< /dev/null", "<&-", "<<< y"])
def test_without_a_terminal_it_is_refused_before_anything_is_done(days, where):
    done = days(f"cc-etl-plan {DAYS} --clear '*' {where}")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: --clear asks before it removes marks, and there is no terminal to ask in\n"
        "hint: --yes removes them without a question\n"
    )
    assert marks(days) == ALL


def test_yes_removes_without_a_question(days):
    done = days(f"cc-etl-plan {DAYS} --clear-failed --yes")
    assert (done.code, done.out, done.err) == (0, "removed 2 marks\n", "")
    assert marks(days) == SUCCEEDED | OTHERS
    assert days(f"cc-etl-plan {DAYS} --clear-failed --yes").out == "removed 0 marks\n"
    done = days(f"cc-etl-plan {DAYS} --yes --clear='*'")
    assert (done.code, done.out, done.err) == (0, "removed 3 marks\n", "")
    assert marks(days) == OTHERS


def test_what_was_removed_runs_again(days):
    assert days(f"cc-etl-plan {DAYS} --clear '*-01' --yes").out == "removed 1 mark\n"
    assert days(f"cc-etl {DAYS} +backfill.only=missing").out == "6 steps: 2 checkpoint, 2 skipped, 2 succeeded\n"
    assert (days.folder / "runs.log").read_text().split() == ["2024-01-01", "2024-01-06"]


def test_the_status_after_a_removal_is_told_with_it(days):
    done = days(f"cc-etl-plan {DAYS} --clear-failed --status --yes")
    assert done.out.splitlines()[:5] == [
        "removed 2 marks",
        "6 steps, marked in LocalCheckpointStore:",
        "  succeeded       3",
        "  without a mark  3",
        "",
    ]
    told = json.loads(days(f"cc-etl-plan {DAYS} --clear '*-01' --status --yes --json").out)
    assert (told["removed"], told["counts"]) == (["days/2024-01-01"], {"succeeded": 2, "unmarked": 4})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "--status --from-plan plan.parquet",
            "error: --status does not go with --from-plan\n"
            "hint: leave it out: marks are those of the config's own context\n",
        ),
        (
            "--clear '*' --yes --output plan.parquet",
            "error: --clear does not go with --output\n"
            "hint: leave it out: --json prints the status for a program, and --output saves a plan\n",
        ),
        (
            "--clear '*' --clear-failed",
            "error: --clear does not go with --clear-failed\nhint: give one of them, and then the other\n",
        ),
        ("--yes", "error: --yes answers the question of --clear or --clear-failed, and neither is given\n"),
        ("--status --yes", "error: --yes answers the question of --clear or --clear-failed, and neither is given\n"),
        ("--yes --clear", "error: --clear needs a value\nhint: write --clear KEY-GLOB or --clear=KEY-GLOB\n"),
        ("--clear --yes", "error: --clear needs a value\n"),
        ("--clear-faild", "error: unknown flag --clear-faild\nhint: did you mean '--clear-failed'?\n"),
        (
            "--clear 2024-01-01 --yes",
            "error: no step of this backfill has a key like '2024-01-01'; the first is 'days/2024-01-01'\n",
        ),
        ("--status -m", "error: --multirun runs jobs; this command runs nothing\n"),
        (
            "--status callable=/model '~context'",
            "error: the config has no context, it needs a DayContext\n",
        ),
        (
            "--status backfill.checkpoint_store=null",
            "error: the backfill '/backfill' has no checkpoint_store, so none of its steps is marked\n"
            "hint: set it in the config, as backfill.checkpoint_store\n",
        ),
        (
            f"--clear '*' --yes {DONE_LIST}",
            "error: DoneList has no delete(key), so its marks cannot be removed here\n",
        ),
        ("--status backfill.checkpoint_store.path=my_days.py", "error: DatabaseError: "),
    ],
)
def test_mistakes_with_marks(days, arguments, said):
    (days.folder / "done.txt").touch()
    before = days.files()
    done = days(f"cc-etl-plan {DAYS} {arguments}")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said)
    assert "Traceback" not in done.err
    assert days.files() == before
    assert marks(days) == ALL


def test_a_callable_without_steps_has_no_status(shell):
    done = shell("cc-etl-plan --status")
    assert done.code == 2
    assert done.err == (
        "error: callable '/model' is a LocalWriteModel, which has no steps to be marked\n"
        "hint: a backfill has them: backfill=daily, or +backfill=daily\n"
    )


def test_a_byte_store_that_cannot_delete_is_named(days):
    store = "backfill.checkpoint_store=/objects"
    assert days(f"cc-etl {DAYS} {GO_ON} {store}").code == 0
    done = days(f"cc-etl-plan {DAYS} {store} --clear '*' --yes")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: NoDelete has no method delete, so its checkpoints cannot delete\n"


def test_help_tells_of_marks(shell):
    told = shell("cc-etl-plan --help").out
    for flag in ("--status", "--clear KEY-GLOB", "--clear-failed", "--yes"):
        assert f"\n  {flag} " in told
