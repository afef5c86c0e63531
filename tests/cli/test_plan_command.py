"""`cc-etl-plan`."""

MODELS = """\
from ccflow import CallableModel, Flow, GenericResult, NullContext


class Planned(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult:
        raise AssertionError("a plan runs nothing")

    def plan(self, context):
        return GenericResult(value=["first", "second"])
"""


def test_the_plan_of_the_callable_is_printed_and_nothing_runs(project):
    (project.folder / "my_models.py").write_text(MODELS)
    arguments = "-cp config -cn text_stats_runner model._target_=my_models.Planned"
    told = project(f"cc-etl-plan {arguments}")
    assert (told.code, told.err) == (0, "")
    assert "first" in told.out
    assert project(f"cc-etl-plan {arguments} --json").out.startswith('{"value":["first","second"]')


def test_a_callable_without_a_plan(shell):
    done = shell("cc-etl-plan")
    assert done.code == 2
    assert done.err == (
        "error: callable '/model' is a LocalWriteModel, which has no plan\n"
        "hint: a backfill has one: backfill=daily, or +backfill=daily\n"
    )
    assert shell.files() == []
