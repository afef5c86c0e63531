"""Templates, filled."""

from functools import cache
from typing import TYPE_CHECKING, Any

from .text import visible

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render"]


def render(template: str, **values: Any) -> str:
    """A template of this package with values in it, each of them escaped and visible.

    >>> "&lt;b&gt;" in render("table.html", table={"caption": "<b>", "columns": [], "rows": []})
    True
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("ccflow_etl.pages"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    return value if hasattr(value, "__html__") else visible(str(value))
