"""Exceptions of Hydra, OmegaConf, pydantic and ccflow, said in one short message with a hint."""

from hydra.errors import (
    ConfigCompositionException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from pydantic import ValidationError
from yaml import MarkedYAMLError  # type: ignore[import-untyped] # without types

from ccflow_etl.cli.errors import CommandError, did_you_mean
from ccflow_etl.cli.import_errors import explain_import, explain_unreadable, shorten
from ccflow_etl.cli.invalid import explain_invalid
from ccflow_etl.config.compose import UnreadableConfigError


def explain(error: BaseException) -> CommandError:
    """Return what to tell the user about `error`, which is not a `CommandError` yet.

    >>> print(explain(TypeError("cannot read this")))
    TypeError: cannot read this
    """
    match error:
        case BaseExceptionGroup():
            told = [explain(inner) for inner in error.exceptions]
            return CommandError("\n".join(map(str, told)), next((each.hint for each in told if each.hint), None))
        case OverrideParseException():
            return _explain_override(error)
        case MissingConfigException():
            return _explain_missing(error)
        case InstantiationException():
            return _explain_model(error)
        case UnreadableConfigError():
            return CommandError(f"{shorten(error.file)} cannot be read: {error.reason}")
        case ConfigCompositionException():
            return _explain_composition(error)
        case OmegaConfBaseException():
            return _explain_value(error)
        case MarkedYAMLError():
            place = error.problem_mark
            where = f" ({shorten(place.name)}, line {place.line + 1})" if place else ""
            return CommandError(f"the YAML cannot be read: {error.problem}{where}")
        case ValidationError():
            return explain_invalid(error, f"the config does not fit {error.title}", "")
        case _:
            plain = CommandError(f"{type(error).__name__}: {error}", "--debug shows the full traceback")
            return explain_unreadable(error) or plain


def _explain_override(error: OverrideParseException) -> CommandError:
    if "=" not in error.override:
        return CommandError(
            f"{error.override!r} is not an override", f"write key=value, or ~{error.override} to delete a key"
        )
    reason = error.message.partition("\nSee https")[0]
    hint = """a value with , : ( ) [ ] { } or quotes needs quotes of its own: "key='a, b'\""""
    return CommandError(f"the override {error.override!r} cannot be read: {reason}", hint)


def _explain_missing(error: MissingConfigException) -> CommandError:
    reason = str(error).partition("Available options")[0].partition("Config search path")[0]
    reason = " ".join(reason.split())
    if not error.options:
        return CommandError(reason)
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    hint = did_you_mean(option, list(error.options))
    if hint is None and group == "callable":
        hint = _say_slash(option)
    return CommandError(f"{reason}; the options of {group!r} are {', '.join(error.options)}", hint)


def _explain_composition(error: ConfigCompositionException) -> CommandError:
    cause = error.__cause__
    if isinstance(cause, (ConfigAttributeError, ConfigKeyError)) and cause.full_key:
        return _explain_unknown_key(cause)
    first, *others = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    if isinstance(cause, OmegaConfBaseException):
        reason = str(_explain_value(cause))
        return CommandError(f"{first}: {reason}" if first else reason)
    if first.startswith("Could not override 'callable'"):
        return CommandError(first, _say_slash(others[-1].rpartition("=")[2]))
    return CommandError(first, "; ".join(others) or None)


def _say_slash(option: str) -> str:
    return f"a registry path begins with a slash: callable=/{option}"


def _explain_unknown_key(error: ConfigAttributeError | ConfigKeyError) -> CommandError:
    key = str(error.full_key)
    parent = key.rpartition(".")[0]
    names = [] if error.parent_node is None else [str(name) for name in error.parent_node if name != "hydra"]
    siblings = [f"{parent}.{name}" if parent else name for name in names]
    known = f"; there is {', '.join(siblings)}" if siblings else ""
    # By the last name alone, as the rest is the same in all of them.
    close = did_you_mean(key.removeprefix(f"{parent}."), names)
    hint = did_you_mean(key, siblings) if close else f"a leading + adds a new key: +{key}=..."
    return CommandError(f"the config has no {key!r}{known}", hint)


def _explain_value(error: OmegaConfBaseException) -> CommandError:
    reason = str(error.msg or error).partition("\n")[0]
    where = f"{error.full_key}: " if error.full_key else ""
    return CommandError(f"{where}{reason}")


def _explain_model(error: InstantiationException) -> CommandError:
    text, _, key = str(error).partition("\nfull_key: ")
    cause = error.__cause__
    if text.startswith("Error locating target"):
        target = text.split("'")[1]
        return explain_import(target, key, cause or error)
    if isinstance(cause, ValidationError):
        return explain_invalid(cause, f"the model at {key!r} is wrong", key)
    if cause is not None:
        return CommandError(
            f"the model at {key!r} cannot be built: {type(cause).__name__}: {cause}", "--debug shows the full traceback"
        )
    return CommandError(" ".join(str(error).split()))
