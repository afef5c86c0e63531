"""What the class of a model declares as a secret, whatever its name."""

from typing import Any, get_args, get_origin

from pydantic import AliasChoices, AliasPath, BaseModel, SecretBytes, SecretStr

__all__ = ["declares_secrets", "field_named", "is_declared_secret"]


def is_declared_secret(model: BaseModel | type[BaseModel], name: str) -> bool:
    """Whether a model's class says that a field is left out: by its kind, or as it shows it nowhere.

    Args:
        model: The model, or its class alone where nothing was built of it.
        name: The name of the field, or what it is given under.

    >>> from pydantic import Field
    >>> class Source(BaseModel):
    ...     host: str
    ...     login: str = Field(repr=False)
    ...     tokens: dict[str, SecretStr] = Field({}, alias="access")
    >>> source = Source(host="db", login="etl:hunter2")
    >>> [is_declared_secret(source, name) for name in ("host", "login", "access")]
    [False, True, True]
    """
    kind = model if isinstance(model, type) else type(model)
    known = field_named(kind, name)
    if known is None:
        return False
    field = kind.model_fields[known]
    given = None if isinstance(model, type) else model.__dict__.get(known)
    return not field.repr or _holds_secret(field.annotation) or isinstance(given, SecretStr | SecretBytes)


def declares_secrets(kind: type[BaseModel]) -> bool:
    """Whether a class has a field that is left out.

    >>> class Login(BaseModel):
    ...     user: str
    ...     word: SecretStr
    >>> declares_secrets(Login)
    True
    """
    return any(is_declared_secret(kind, name) for name in kind.model_fields)


def field_named(kind: type[BaseModel], name: str) -> str | None:
    """The field of a class that is given under a name, which may be an alias of it.

    >>> from pydantic import Field
    >>> class Login(BaseModel):
    ...     word: str = Field(validation_alias=AliasChoices("password", AliasPath("words", 0)))
    >>> [field_named(Login, name) for name in ("word", "password", "words", "user")]
    ['word', 'word', 'word', None]
    """
    if name in kind.model_fields:
        return name
    for known, field in kind.model_fields.items():
        if name in (*_firsts(field.alias), *_firsts(field.validation_alias)):
            return known
    return None


def _firsts(alias: Any) -> tuple[Any, ...]:
    """The keys of a mapping under which an alias looks for its value, or for what has it inside."""
    if isinstance(alias, AliasChoices):
        return tuple(first for choice in alias.choices for first in _firsts(choice))
    return (alias.path[0],) if isinstance(alias, AliasPath) else (alias,)


def _holds_secret(annotation: Any) -> bool:
    """Whether an annotation is that of a secret, or of a collection or a union with some."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return issubclass(annotation, SecretStr | SecretBytes)
    return any(_holds_secret(part) for part in get_args(annotation))
