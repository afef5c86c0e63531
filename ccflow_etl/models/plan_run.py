"""Making a plan of a backfill's run, and seeing what is left of one."""

from typing import Any

from ..pages.text import number
from .backfill_run import BackfillRun
from .backfill_settings import BackfillSettings
from .plan import BackfillPlan
from .plan_file import PlanError, one_line
from .plan_match import check_context, check_model, done_by, fingerprint
from .plan_reasons import reasons
from .step_keys import StepKeys

__all__ = ["decided_plan", "explained_plan", "remaining_plan"]


def decided_plan(run: BackfillRun) -> BackfillPlan:
    """What is decided on the steps of a run, without a word on why."""
    frame = run.report.frame()
    keys = None if run.settings.checkpoint_store is None else frame["key"].tolist()
    return BackfillPlan(context=run.context, decisions=frame["status"].tolist(), keys=keys)


def explained_plan(backfill: BackfillSettings, plan: BackfillPlan) -> BackfillPlan:
    """The plan with reasons, and with what a later run has to go with."""
    why = reasons(plan.decisions, plan.keys, backfill.checkpoint_store, backfill.only, backfill.overwrite)
    return plan.model_copy(update={"reasons": why, "fingerprint": fingerprint(backfill, plan.id)})


def remaining_plan(backfill: BackfillSettings, plan: BackfillPlan, given: Any) -> BackfillPlan:
    """The plan with the steps that an earlier run of it has done as ``checkpoint``.

    Raises:
        PlanError: The backfill or what is given of a context is another than the plan was made for.
    """
    check_model(backfill, plan.fingerprint, plan.id)
    again = "make another plan"
    try:
        context = backfill.context_type.model_validate(plan.context)
    except ValueError as error:
        kind = type(backfill.model).__name__
        raise PlanError(f"the context of the plan does not fit {kind} any more: {one_line(error)}", again) from error
    check_context(context, given)
    contexts, store = context.step_contexts(), backfill.checkpoint_store
    if len(contexts) != len(plan.decisions):
        decisions, steps = number(len(plan.decisions), "decision"), number(len(contexts), "step")
        raise PlanError(f"the plan has {decisions} for {steps}", again)
    if store is None:
        return plan.model_copy(update={"context": context})
    keys = StepKeys(backfill.key, backfill.model, backfill.code_version, context.context, contexts).all()
    differs = [(then, now) for then, now in zip(plan.keys or keys, keys, strict=True) if then != now]
    if differs:
        raise PlanError(f"a step that is {differs[0][0]} in the plan would be marked as {differs[0][1]}", again)
    planned = [index for index, decision in enumerate(plan.decisions) if decision == "planned"]
    done = done_by(plan.id, store, [keys[index] for index in planned])
    changed = {index: "checkpoint" for index, is_done in zip(planned, done, strict=True) if is_done}
    why = plan.reasons or [""] * len(keys)
    return plan.model_copy(
        update={
            "context": context,
            "decisions": [changed.get(index, decision) for index, decision in enumerate(plan.decisions)],
            "reasons": ["done by this plan" if index in changed else reason for index, reason in enumerate(why)],
            "keys": keys,
        }
    )
