"""`cc-etl --report run.html`: a page of the run, however it ends."""

import json
import os
import shlex
import signal
import subprocess

import pytest

MODELS = """\
import os
from typing import Any

from ccflow import BaseModel, CallableModel, ContextBase, DateContext, Flow, GenericResult, NullContext
from pydantic import Field, SecretStr


class Login(CallableModel):
    '''A part of another model, or in the registry alone.'''

    user: SecretStr
    also: list[str] = Field([], repr=False)

    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Shop(CallableModel):
    uri: str = ""
    api_token: SecretStr = SecretStr("")
    bad: list[int] = []
    logins: list[Login] = []
    hidden: str = Field("", repr=False)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day in self.bad:
            raise LookupError(f"no <data> from {self.uri} with {self.api_token.get_secret_value()} {self.hidden}")
        return GenericResult[int](value=context.date.day)


class Sign(ContextBase):
    user: str
    word: str = Field("", repr=False)


class Signed(CallableModel):
    @Flow.call
    def __call__(self, context: Sign) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Slip(ContextBase):
    user: str
    login: SecretStr = SecretStr("")


class Slipped(CallableModel):
    @Flow.call
    def __call__(self, context: Slip) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Feed(BaseModel):
    logins: dict[str, SecretStr] = {}
    accounts: list[SecretStr] = []
    any: Any = None
    login: SecretStr = Field(SecretStr(""), alias="user")


class Reader(CallableModel):
    # Takes what it read from the environment, so that it is not there a second time.

    feed: Any = None
    login: str = Field("", repr=False)
    password: Any = None

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if self.password is not None or self.login:
            raise ValueError(f"refused: {[self.password, self.login]} of {self.feed}")
        os.environ.pop("FEED_URL", None)
        return GenericResult[int](value=1)


class Gated(CallableModel):
    '''Tells that it has begun, and waits for good.'''

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day == 2:
            begun = os.open("begun", os.O_WRONLY)
            os.write(begun, b"x")
            with open("gate") as gate:
                gate.read()
        return GenericResult[int](value=1)


class Once(CallableModel):
    fails: bool = False

    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[dict]:
        if self.fails:
            raise RuntimeError("password=hunter2 was refused")
        return GenericResult[dict](value={"words": 4, "more": "<b>"})
"""

SHOP = """\
defaults:
  - /backfill: default
  - _self_
more:
  _target_: ccflow.GenericResult
  value: {unused: 1}
model:
  _target_: shop.Shop
  uri: postgresql://etl:${oc.env:SHOP_PASSWORD,hunter2}@db/sales
  api_token: tok-123456
  bad: []
context:
  start_datetime: 2024-01-01
  end_datetime: 2024-01-31
"""

ONCE = """\
model:
  _target_: shop.Once
  fails: false
callable: /model
context: {}
"""
GRAPH = """\
backfill:
  executor: null  # or the backfill schedules its steps itself
cli:
  model:
    _target_: ccflow.FlowOptions
    evaluator:
      _target_: ccflow.evaluators.GraphEvaluator
"""


@pytest.fixture
def shop(shell):
    (shell.folder / "shop.py").write_text(MODELS)
    (shell.folder / "config").mkdir()
    (shell.folder / "config" / "shop.yaml").write_text(SHOP)
    (shell.folder / "config" / "graph.yaml").write_text(SHOP + GRAPH)
    (shell.folder / "config" / "once.yaml").write_text(ONCE)
    return shell


def run(shop, arguments, name="shop", page="run.html"):
    done = shop(f"cc-etl -cp config -cn {name} --report {page} {arguments}")
    file = shop.folder / page
    return done, file.read_text(encoding="utf-8") if file.is_file() else None


@pytest.mark.parametrize("name", ["shop", "graph"])
def test_a_run_that_succeeds_leaves_its_page(shop, name):
    done, page = run(shop, "", name)
    assert (done.code, done.out) == (0, "31 steps: 31 succeeded\n")
    assert done.err == f"the report is in {shop.folder / 'run.html'}\n"
    assert "<title>Backfill of Shop: 31 steps succeeded</title>" in page
    assert "cc-etl -cp config -cn " in page
    assert '<th scope="row">ccflow-etl</th><td>1.0.0</td>' in page


def test_a_page_may_be_a_hidden_file(shop):
    done, page = run(shop, "", page=".html")
    assert done.code == 0
    assert "<title>Backfill of Shop: 31 steps succeeded</title>" in page


@pytest.mark.parametrize("name", ["shop", "graph"])
def test_a_run_that_stops_at_its_first_failure_leaves_its_page(shop, name):
    done, page = run(shop, "model.bad='[3,9]'", name)
    assert done.code == 1
    assert "LookupError" in done.err
    assert "<title>Backfill of Shop: Failed: 1 of 31 steps failed</title>" in page
    assert "Error of the run" in page
    # with what it was about, though not with what it let slip
    assert "LookupError: no &lt;data&gt; from postgresql://etl:***@db/sales with ***" in page
    assert "Traceback (most recent call last):" in page


def test_a_run_with_more_failures_than_are_allowed_leaves_its_page(shop):
    done, page = run(shop, "model.bad='[3,9]' +backfill.max_failures=1")
    assert done.code == 1
    assert "<title>Backfill of Shop: Failed: 2 of 31 steps failed</title>" in page


def test_failures_that_are_allowed_are_told_and_are_no_failure_of_the_run(shop):
    done, page = run(shop, "model.bad='[3,9]' +backfill.max_failures=5")
    assert done.code == 0
    assert "<title>Backfill of Shop: 2 of 31 steps failed</title>" in page
    assert "Error of the run" not in page


@pytest.fixture
def start(shop):
    """Starts a run whose second step never ends, and waits until it has begun."""
    for fifo in ("begun", "gate"):
        os.mkfifo(shop.folder / fifo)
    arguments = ["-cp", "config", "model._target_=shop.Gated", "~model.uri", "~model.api_token", "~model.bad"]
    started = []

    def start(name):
        process = subprocess.Popen(
            ["cc-etl", *arguments, "-cn", name, "--report", "run.html"],
            cwd=shop.folder,
            env=shop.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        with open(shop.folder / "begun", "rb") as begun:
            assert begun.read(1) == b"x"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_cancelled_leaves_its_page(shop, start, number, code):
    process = start("shop")
    process.send_signal(number)
    assert "interrupt again" in process.stderr.readline()
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    page = (shop.folder / "run.html").read_text(encoding="utf-8")
    assert "<title>Backfill of Gated: Cancelled: 30 of 31 steps were cancelled</title>" in page


def test_a_run_that_is_interrupted_in_a_graph_evaluator_leaves_its_page(shop, start):
    process = start("graph")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    page = (shop.folder / "run.html").read_text(encoding="utf-8")
    assert "<title>BackfillModel: Interrupted</title>" in page


def test_no_secret_of_the_config_gets_into_the_page(shop):
    done = shop(
        "cc-etl -cp config -cn shop --report run.html model.bad='[3]' +more.value.client_secret=s3cr3t-1 "
        "+more.value.parts='[a,${oc.env:SHOP_PASSWORD}]'",
        SHOP_PASSWORD="pa55word-2",
    )
    assert done.code == 1
    page = (shop.folder / "run.html").read_text(encoding="utf-8")
    for secret in ("hunter2", "pa55word-2", "tok-123456", "s3cr3t-1"):
        assert secret not in page
    assert "api_token: ***" in page
    assert "client_secret: ***" in page
    assert "- a\n      - ***" in page
    assert "+more.value.client_secret=***" in page


DECLARED = """\
  hidden: declared-1
  logins:
    - {_target_: shop.Login, user: user-2, also: [also-2]}
alone:
  _target_: shop.Login
  user: user-3
  also: [also-3]
registry:
  inner:
    _target_: shop.Login
    user: usr4
    also: [also-4]
"""


def test_what_a_class_declares_as_secret_does_not_get_into_the_page(shop):
    """Of the model that is run, of its parts, and of what nothing refers to; under names that tell nothing."""
    config = SHOP.replace("  bad: []\n", "  bad: [3]\n" + DECLARED)
    (shop.folder / "config" / "declared.yaml").write_text(config)
    done, page = run(shop, "", "declared")
    assert done.code == 1
    for secret in ("declared-1", "user-2", "also-2", "user-3", "also-3", "usr4", "also-4"):
        assert secret not in page
    assert page.count("user: ***") == page.count("also: ***") == 3
    assert "hidden: ***" in page


def test_a_context_that_is_given_as_a_list_is_in_the_page(shop):
    config = SHOP.partition("context:")[0] + "context: [2026-01-01, 2026-01-03]\n"
    (shop.folder / "config" / "listed.yaml").write_text(config)
    done, page = run(shop, "", "listed")
    assert done.code == 0, done.err
    assert "<title>Backfill of Shop: 3 steps succeeded</title>" in page
    assert "context:\n  - &#34;2026-01-01&#34;\n  - &#34;2026-01-03&#34;" in page


@pytest.mark.parametrize("context", ["[ann, pwd-12345]", "{user: ann, word: pwd-12345}"])
def test_a_secret_of_a_context_in_either_form_does_not_get_into_the_page(shop, context):
    config = f"model:\n  _target_: shop.Signed\ncallable: /model\ncontext: {context}\n"
    (shop.folder / "config" / "signed.yaml").write_text(config)
    done, page = run(shop, "", "signed")
    assert done.code == 0, done.err
    assert "ann" in page
    assert "***" in page
    assert "pwd-12345" not in page


READER = """\
model:
  _target_: shop.Reader
  feed: null
callable: /model
context: [2026-05-01]
"""


def read(shop, config, arguments="", **environment):
    """The page of a run of such a config."""
    (shop.folder / "config" / "read.yaml").write_text(config)
    done = shop(f"cc-etl -cp config -cn read --report run.html {arguments}", **environment)
    return done, (shop.folder / "run.html").read_text(encoding="utf-8")


def test_secrets_in_collections_and_under_aliases_do_not_get_into_the_page(shop):
    """However short, of the model's part, of a model that nothing uses, and of one that is in a list and not built."""
    feed = "{_target_: shop.Feed, logins: {al: lk-1}, accounts: [lk-2], user: lk-3, any: ok}"
    config = (
        READER.replace("feed: null", "feed: /feeds/live") + f"feeds:\n  live: {feed}\n  test: {feed}\nplain: [{feed}]\n"
    )
    done, page = read(shop, config)
    assert done.code == 0, done.err
    assert "lk-" not in page
    assert "feed: /feeds/live" in page
    for name in ("logins", "accounts", "user"):
        assert page.count(f"{name}: ***") == 3
    assert page.count("any: ok") == 3


def test_secrets_that_are_interpolated_as_a_whole_do_not_get_into_the_page(shop):
    config = READER + "live: {_target_: shop.Feed, user: lk-1}\nalso: ${live}\n"
    done, page = read(shop, config)
    assert done.code == 0, done.err
    assert "lk-1" not in page
    assert page.count("user: ***") == 2


def test_the_secret_of_a_model_that_the_callable_does_not_use_is_hidden_in_errors(shop):
    config = READER.replace("feed: null", "feed: with unused-login\n  password: word-1")
    config += "alone: {_target_: shop.Feed, logins: {al: unused-login}}\n"
    done, page = read(shop, config)
    assert done.code == 1
    assert "unused-login" not in page


def test_the_secret_of_what_is_not_built_in_full_does_not_get_into_the_page(shop):
    part = "{_target_: shop.Reader, _partial_: true, login: lk-1}"
    done, page = read(shop, READER.replace("feed: null", f"feed: {part}"))
    assert done.code == 0, done.err
    assert "lk-1" not in page
    assert "login: ***" in page


@pytest.mark.parametrize(("context", "told"), [("'ann,lk-1'", "context: ***"), ("[ann, lk-1]", "- ann\n  - ***")])
def test_a_short_secret_of_a_context_does_not_get_into_the_page(shop, context, told):
    done, page = read(shop, f"model:\n  _target_: shop.Slipped\ncallable: /model\ncontext: {context}\n")
    assert done.code == 0, done.err
    assert "lk-1" not in page
    assert told in page


def test_a_context_of_no_secrets_is_told_as_a_text(shop):
    done, page = read(shop, READER.replace("[2026-05-01]", "'2026-05-01'"))
    assert done.code == 0, done.err
    assert "context: &#34;2026-05-01&#34;" in page


def test_what_a_run_takes_from_the_environment_is_in_its_page(shop):
    done, page = read(shop, READER.replace("null", "${oc.env:FEED_URL}"), FEED_URL="http://host")
    assert done.code == 0, done.err
    assert "feed: &#34;http://host&#34;" in page


def test_a_config_that_cannot_be_resolved_is_in_the_page_as_it_is(shop):
    done, page = read(shop, READER + "other: {parts: ['${oc.env:NOT_THERE}']}\n")
    assert done.code == 0, done.err
    assert "- &#34;${oc.env:NOT_THERE}&#34;" in page


def test_a_secret_that_is_a_number_does_not_get_into_the_page(shop):
    done, page = read(shop, READER, "+model.password=87654321")
    assert "87654321" in done.err
    assert "87654321" not in page
    assert "ValueError: refused: [***, " in page


@pytest.mark.parametrize("name", ["password", "login"])
def test_a_secret_in_quotes_does_not_get_into_the_page(shop, name):
    done, page = read(shop, READER, shlex.quote(f"""+model.{name}="it's hereTAIL\""""))
    assert done.code == 1
    assert "hereTAIL" in done.err
    assert "TAIL" not in page
    assert f"+model.{name}=" in page.partition('id="configuration"')[0]


def test_a_secret_with_spaces_does_not_get_into_the_command(shop):
    done, page = read(shop, READER, "'+model.password=a b'")
    assert done.code == 1
    assert "+model.password=***&#39;" in page


@pytest.mark.parametrize("secret", ["back\\slashTAIL", 'it\'s "both"TAIL', "one\n  twoTAIL"])
def test_a_secret_that_is_shown_by_repr_does_not_get_into_the_page(shop, secret):
    done, page = read(shop, READER.replace("feed: null", f"login: {json.dumps(secret)}"))
    assert done.code == 1
    assert "TAIL" in done.err
    assert "TAIL" not in page


def test_a_model_that_is_no_backfill_has_a_page(shop):
    done, page = run(shop, "", "once")
    assert done.code == 0
    assert "<title>Once: Succeeded</title>" in page
    assert "&lt;b&gt;" in page
    assert "Coverage" not in page


def test_a_model_that_is_no_backfill_and_fails_has_a_page(shop):
    done, page = run(shop, "model.fails=true", "once")
    assert done.code == 1
    assert "<title>Once: Failed</title>" in page
    assert "RuntimeError: password=*** was refused" in page
    assert "hunter2" not in page


def test_the_result_alone_is_on_stdout_with_json(shop):
    done, page = run(shop, "--json")
    assert json.loads(done.out)["value"]["steps"] == 31
    assert "31 steps succeeded" in page


def test_a_plan_that_is_run_has_a_page(shop):
    marks = (
        "+backfill.checkpoint_store._target_=ccflow_etl.LocalCheckpointStore +backfill.checkpoint_store.path=m.sqlite"
    )
    assert shop(f"cc-etl-plan -cp config -cn shop {marks} --output plan.parquet").code == 0
    done, page = run(shop, f"{marks} --from-plan plan.parquet ~context")
    assert (done.code, done.out) == (0, "31 steps: 31 succeeded\n")
    assert "31 steps succeeded" in page
    done, page = run(shop, f"{marks} --from-plan plan.parquet ~context")
    assert "<title>Backfill of Shop: Nothing was run</title>" in page


def test_an_older_page_is_replaced(shop):
    (shop.folder / "run.html").write_text("older")
    _, page = run(shop, "")
    assert page.startswith("<!doctype html>")
    assert "older" not in page


def test_missing_folders_are_made(shop):
    done, page = run(shop, "", page="pages/may/run.htm")
    assert done.code == 0
    assert page.startswith("<!doctype html>")
    assert os.listdir(shop.folder / "pages" / "may") == ["run.htm"]


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("run.txt", "error: --report writes a page, and 'run.txt' does not end in .html"),
        ("config/shop.yaml", "error: --report writes a page, and 'config/shop.yaml' does not end in .html"),
        ("folder.html", "error: --report folder.html: this is not a file"),
        ("shop.py/run.html", "error: the report cannot be written to shop.py/run.html: expected a folder, found"),
        ("/proc/run.html", "error: the report cannot be written to /proc/run.html: "),
        ("''", "error: --report needs a value"),
    ],
)
def test_a_page_that_cannot_be_written_is_told_before_anything_is_run(shop, page, told):
    (shop.folder / "folder.html").mkdir()
    before = (shop.folder / "config" / "shop.yaml").read_text()
    done = shop(f"cc-etl -cp config -cn shop --report {page} +backfill.report_path=steps.jsonl")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(told)
    assert not (shop.folder / "steps.jsonl").exists()
    assert (shop.folder / "config" / "shop.yaml").read_text() == before


def test_a_page_that_can_no_longer_be_written_is_told_after_the_result(shop):
    (shop.folder / "away.py").write_text(
        "from shop import Shop\n"
        "import pathlib\n"
        "class Away(Shop):\n"
        "    def model_post_init(self, context):\n"
        "        pathlib.Path('pages').rmdir()\n"
        "        pathlib.Path('pages').write_text('')\n"
    )
    done, page = run(shop, "model._target_=away.Away", page="pages/run.html")
    assert (done.code, done.out) == (1, "31 steps: 31 succeeded\n")
    assert "error: the report was not written to" in done.err
    (shop.folder / "pages").unlink()
    done, page = run(shop, "model._target_=away.Away model.bad='[3]'", page="pages/run.html")
    assert done.code == 1
    assert "warning: the report was not written to" in done.err
    assert "error: /backfill failed" in done.err
    assert page is None


def test_a_mistake_in_the_config_has_no_page(shop):
    done, page = run(shop, "context.end_datetime=never")
    assert done.code == 2
    assert page is None


def test_a_plan_that_does_not_go_with_the_config_has_no_page(shop):
    assert shop("cc-etl-plan -cp config -cn shop --output plan.parquet").code == 0
    (shop.folder / "run.html").write_text("of an earlier run")
    done, page = run(shop, "--from-plan plan.parquet context.end_datetime=2024-02-01")
    assert done.code == 2
    assert page == "of an earlier run"


@pytest.mark.parametrize("sweep", ["--multirun model.bad='[1],[2]'", "hydra.mode=MULTIRUN model.bad='[1],[2]'"])
def test_several_jobs_have_no_page(shop, sweep):
    done, page = run(shop, sweep)
    assert done.code == 2
    assert "error: --report writes the page of one run, and --multirun runs several jobs" in done.err
    assert page is None


def test_a_graph_evaluator_runs_each_step_once_where_the_run_is_reported(shop):
    (shop.folder / "counting.py").write_text(
        "from ccflow import CallableModel, DateContext, Flow, GenericResult\n"
        "class Counting(CallableModel):\n"
        "    @Flow.call\n"
        "    def __call__(self, context: DateContext) -> GenericResult[int]:\n"
        "        with open('ran.txt', 'a') as file:\n"
        "            file.write(f'{context.date}\\n')\n"
        "        return GenericResult[int](value=1)\n"
    )
    arguments = "model._target_=counting.Counting ~model.uri ~model.api_token ~model.bad"
    done, _ = run(shop, arguments, "graph")
    assert done.code == 0
    ran = (shop.folder / "ran.txt").read_text().splitlines()
    assert ran == [f"2024-01-{day:02}" for day in range(1, 32)]


def test_help_names_it(shop):
    assert "--report FILE.html" in shop("cc-etl --help").out


MUTE = """

class Mute(ResultBase):
    def __str__(self):
        raise LookupError("no words")


class Muted(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> Mute:
        return Mute()
"""


def test_a_result_whose_text_fails_leaves_its_page(shop):
    with (shop.folder / "shop.py").open("a") as models:
        models.write("\n\nfrom ccflow import ResultBase\n" + MUTE)
    config = ONCE.replace("shop.Once\n  fails: false", "shop.Muted")
    (shop.folder / "config" / "muted.yaml").write_text(config)
    done, page = run(shop, "", "muted")
    assert done.code == 1
    assert "the run is over, and its result could not be printed: LookupError: no words" in done.err
    assert "<title>Muted: Succeeded</title>" in page
    assert "&lt;str() failed&gt;" in page
