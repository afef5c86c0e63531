"""Templates, filled."""

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Any

from .secrets import without_these
from .text import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.runtime import Context

__all__ = ["render"]

_SECRETS = "secrets"


def render(template: str, *, secrets: Collection[str] = (), **values: Any) -> str:
    """A template of this package with values in it, each of them escaped and visible.

    Args:
        template: Its name.
        secrets: Texts that are hidden wherever they occur in a value.
        values: What the template names.

    >>> "&lt;b&gt;" in render("table.html", table={"caption": "<b>", "columns": [], "rows": []})
    True
    """
    return _environment().get_template(template).render(values | {_SECRETS: secrets})


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context

    @pass_context
    def shown(context: "Context", value: Any) -> Any:
        if hasattr(value, "__html__"):
            return value
        return visible(without_these(str(value), context[_SECRETS]))

    return Environment(
        loader=PackageLoader("ccflow_etl.pages"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
