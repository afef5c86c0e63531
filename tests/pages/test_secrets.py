"""What is left out of pages: passwords, tokens and keys, wherever they stand."""

import json

import pytest
from ccflow import BaseModel
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasChoices, AliasPath, Field, SecretBytes, SecretStr

from ccflow_etl import BackfillModel, LocalWriteModel, RetryPolicy
from ccflow_etl.pages.declared import is_declared_secret
from ccflow_etl.pages.outline import outline
from ccflow_etl.pages.secrets import HIDDEN, is_secret, secrets_in, spellings, without_secrets, without_these

SECRET_NAMES = [
    *("password", "DB_PASSWORD", "dbPassword", "passwd", "pwd", "pass", "passphrase", "secret", "client_secret"),
    *("token", "auth_token", "accessToken", "api_key", "apikey", "API-KEY", "aws_access_key_id", "private_key"),
    *("key", "credentials", "Authorization", "auth", "cookie", "dsn", "sas", "sig", "signature", "jwt", "ssh.key"),
]
PLAIN_NAMES = [
    *("path", "author", "authors", "monkey", "keyboard", "compass", "passenger", "design", "spin", "uri", "user"),
    *("max_attempts", "timezone", "bypassed", "keep"),
]

TEXTS = {
    "postgresql://etl:hunter2@db/sales": "postgresql://etl:***@db/sales",
    "https://:hunter2@host/": "https://:***@host/",
    "https://etl@host/a:b@c": "https://etl@host/a:b@c",
    "GET https://host/x?sig=hunter2&day=1": "GET https://host/x?sig=***&day=1",
    "GET https://host/x?key=hunter2": "GET https://host/x?key=***",
    "password=hunter2": "password=***",
    "password = 'hunter 2', user='etl'": "password = ***, user='etl'",
    '{"api_key": "hunter2", "n": 1}': '{"api_key": ***, "n": 1}',
    "backfill.store.secret=hunter2 x=1": "backfill.store.secret=*** x=1",
    "Authorization: Bearer hunter2hunter2": "Authorization: *** ***",
    "sent Bearer hunter2hunter2, refused": "sent Bearer ***, refused",
    "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY----- end": "*** end",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2": "***",
    "LookupError: uri=https://host/?sig=hunter2": "LookupError: uri=https://host/?sig=***",
    "s3://me:hunt/er@2@host/": "s3://me:***@host/",
    r"password='it\'s hunter2', user='etl'": "password=***, user='etl'",
    r'{"token": "a\"hunter2", "n": 1}': '{"token": ***, "n": 1}',
    r'path: "C:\", password="C:\", n=1': r'path: "C:\", password=***, n=1',
    # no secrets
    "KeyError: 'AAA'": "KeyError: 'AAA'",
    "TokenError: line 3": "TokenError: line 3",
    "nothing is cached for key: daily/AAA": "nothing is cached for key: daily/AAA",
    "at 12:30 no basic data": "at 12:30 no basic data",
}

LONG = [
    *("a" * 200_000, "://:" * 50_000, "password=" * 20_000, '="' * 50_000, "a=b " * 50_000),
    *('password="' + r"\"" * 100_000, "password='\\" * 20_000),
]

SHOWN = ["back\\slash", "it's hunter", 'a "hunter"', "'\"\\both", "two\nlines", "ünß-hunter", "plain"]


class Client(BaseModel):
    user: str = "etl"
    token: str = ""
    pin: SecretStr = SecretStr("")
    blob: SecretBytes = SecretBytes(b"")
    unseen: str = Field("", repr=False)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name):
    assert is_secret(name)
    assert outline({name: "hunter2"}).endswith(": ***")
    assert "hunter2" not in outline({"a": [{name: {"b": ["hunter2"]}}]})


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_names_of_other_things(name):
    assert not is_secret(name)
    assert outline({name: "plain"}) == f"{name}: plain"


@pytest.mark.parametrize("text", TEXTS)
def test_secrets_in_text(text):
    assert without_secrets(text) == TEXTS[text]
    assert without_secrets(TEXTS[text]) == TEXTS[text]


@pytest.mark.parametrize("text", LONG)
def test_long_text_is_looked_through_once(text):
    assert len(without_secrets(text)) <= len(text) + 3  # this test hangs otherwise


@given(st.text())
def test_any_text_can_be_looked_through(text):
    assert isinstance(without_secrets(text), str)


@given(st.from_regex(r"[a-zA-Z0-9]{8,20}", fullmatch=True))
def test_a_password_in_an_address_is_hidden_whatever_it_is(password):
    assert without_secrets(f"s3://me:{password}@host") == "s3://me:***@host"


def test_secrets_of_models_are_hidden_and_found():
    client = Client(token="tok-12345", pin="pin-12345", blob=b"blob-12345", unseen="unseen-1")
    told = outline({"client": client})
    assert "user" not in told  # it was not given
    for secret in ("tok-12345", "pin-12345", "blob-12345", "unseen-1"):
        assert secret not in told
    assert set(secrets_in({"client": client})) == {"tok-12345", "pin-12345", "blob-12345", "unseen-1"}


class Vault(BaseModel):
    words: dict[str, SecretStr] = Field({})
    many: set[SecretStr] | None = None
    login: SecretStr = Field(SecretStr(""), alias="user")
    door: str = Field("", repr=False, validation_alias=AliasChoices("gate", AliasPath("gates", 0)))
    host: str = Field("", alias="server")


@pytest.mark.parametrize("name", ["words", "many", "login", "user", "door", "gate", "gates"])
def test_a_secret_is_declared_by_a_collection_of_some_and_under_an_alias(name):
    assert is_declared_secret(Vault, name)
    assert is_declared_secret(Vault(), name)


@pytest.mark.parametrize("name", ["host", "server", "other"])
def test_what_is_declared_otherwise_is_no_secret(name):
    assert not is_declared_secret(Vault, name)


def test_secrets_in_collections_are_hidden_and_found():
    vault = Vault(words={"a": "word-12345"}, many={"many-12345"}, user="user-12345", gate="gate-12345")
    assert set(secrets_in(vault)) == {"word-12345", "many-12345", "user-12345", "gate-12345"}
    assert "12345" not in outline(vault)


def test_numbers_are_secrets_too():
    secret = {"password": [87654321, 1234.5, True, False, 123, None, 10**5000]}
    assert list(secrets_in(secret)) == ["87654321", "1234.5"]
    assert list(secrets_in({"width": 87654321})) == []


@pytest.mark.parametrize("secret", SHOWN)
def test_a_secret_is_known_as_it_is_shown(secret):
    known = spellings([secret])
    shown = [secret, repr(secret), json.dumps(secret), json.dumps(secret, ensure_ascii=False), " ".join(secret.split())]
    shown += [repr([secret]), repr(f"'{secret}'"), repr(f'"{secret}"'), repr(f"""'"{secret}""")]
    for text in shown:
        assert without_these(text, known).strip("[]'\"\\") == HIDDEN


def test_the_longest_of_the_secrets_comes_first():
    assert without_these("hunter2-and-more", spellings(["hunter2", "hunter2-and-more"])) == "***"


def test_a_key_that_is_a_template_is_told():
    told = outline(BackfillModel(model=LocalWriteModel(), key="sales/{step}"))
    assert 'key: "sales/{step}"' in told


def test_short_secrets_are_not_looked_for_in_other_text():
    assert list(secrets_in({"password": "etl"})) == []


def test_an_outline_has_an_end():
    endless = {"a": list(range(10_000)), "text": "x" * 10_000, "live": object()}
    told = outline(endless)
    assert len(told) < 2_000
    assert "... more" in told
    assert told.endswith("live: <object>")
    nested = [1]
    for _ in range(100):
        nested = [nested]
    assert len(outline({"nested": nested})) < 2_000
    wide = {
        str(a): {str(b): {str(c): {str(d): d for d in range(15)} for c in range(15)} for b in range(15)} for a in "ab"
    }
    assert len(outline(wide).splitlines()) == 1001


def test_an_outline_reads_like_yaml():
    retry = RetryPolicy(max_attempts=3, retry_exception_types=["ConnectError"])
    assert outline({"retry": retry, "none": None, "on": True, "text": "on: x", "empty": {}, "days": []}) == (
        "retry:\n"
        "  _target_: ccflow_etl.execution.retry.RetryPolicy\n"
        "  max_attempts: 3\n"
        "  retry_exception_types:\n"
        "    - ConnectError\n"
        "none: null\n"
        "on: true\n"
        'text: "on: x"\n'
        "empty: {}\n"
        "days: []"
    )
