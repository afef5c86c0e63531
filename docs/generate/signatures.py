"""Signatures with plain types."""

import griffe
from annotations import plain

_STARS = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
_WIDTH = 100


def signature(name: str, function: griffe.Function) -> str:
    """A signature, in one line if that is short and else with a line for each parameter."""
    texts = list(_parameters(function))
    returns = _returns(function)
    line = f"{name}({', '.join(texts)}){returns}"
    return line if len(line) <= _WIDTH else f"{name}(\n" + "".join(f"    {text},\n" for text in texts) + f"){returns}"


def _returns(function: griffe.Function) -> str:
    if function.returns is None or function.name == "__init__":
        return ""
    text = plain(function.returns, function)
    if any("contextmanager" in str(decorator.value) for decorator in function.decorators):
        text = text.replace("Iterator[", "AbstractContextManager[", 1)
    return f" -> {text}"


def _parameters(function: griffe.Function) -> "list[str]":
    texts: list[str] = []
    last = None
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind
        if last is griffe.ParameterKind.positional_only and kind is not last:
            texts.append("/")
        if kind is griffe.ParameterKind.keyword_only and last not in (kind, griffe.ParameterKind.var_positional):
            texts.append("*")
        texts.append(_parameter(parameter, function))
        last = kind
    if last is griffe.ParameterKind.positional_only:
        texts.append("/")
    return texts


def _parameter(parameter: griffe.Parameter, function: griffe.Function) -> str:
    text = _STARS.get(parameter.kind, "") + parameter.name
    if parameter.annotation is not None:
        text += f": {plain(parameter.annotation, function)}"
    if parameter.default is None or parameter.kind in _STARS:
        return text
    return f"{text} = {parameter.default}" if parameter.annotation is not None else f"{text}={parameter.default}"
