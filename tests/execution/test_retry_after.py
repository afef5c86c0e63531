import datetime as dt
import threading
import urllib.error
import urllib.request
from email.message import Message
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import RetryExecutionError, RetryPolicy
from ccflow_etl.execution.attempts import run_with_retry
from ccflow_etl.execution.retry_after import retry_after_seconds

NOON = dt.datetime(2024, 5, 3, 12, tzinfo=dt.UTC)


def with_header(value: Any, **others: Any) -> SimpleNamespace:
    return SimpleNamespace(headers={"Retry-After": value, **others})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 1.5 ", 1.5),
        (30, 30),
        ("0", 0),
        ("-1", 0),
        ("Fri, 03 May 2024 12:00:30 GMT", 30),
        ("Fri, 03 May 2024 14:00:30 +0200", 30),
        ("Friday, 03-May-24 12:00:30 GMT", 30),  # RFC 850, which RFC 9110 still has
        ("Fri May  3 12:00:30 2024", 30),  # C's asctime, likewise
        ("Fri, 03 May 2024 11:00:00 GMT", 0),  # it is over
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("Fri, 99 May 2024 12:00:30 GMT", None),
        ("Fri, 03 May 99999999999999999999 12:00:30 GMT", None),
        ("Fri, 03 May 2024 12:00:30 +9999", None),
        (None, None),
        (True, None),
        (["120"], None),
    ],
)
def test_the_header_is_seconds_or_a_date(value: Any, seconds: float | None):
    assert retry_after_seconds(with_header(value), now=NOON) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(3, 3), (0.25, 0.25), ("4", 4), (dt.timedelta(minutes=1), 60), (None, None), (float("nan"), None), (-2, 0)],
)
def test_the_attribute_is_seconds(value: Any, seconds: float | None):
    assert retry_after_seconds(SimpleNamespace(retry_after=value), now=NOON) == seconds


def test_the_attribute_comes_before_the_header_and_an_own_header_before_the_response():
    response = with_header("3")
    assert retry_after_seconds(SimpleNamespace(response=response)) == 3
    assert retry_after_seconds(SimpleNamespace(response=response, headers={"Retry-After": "2"})) == 2
    assert retry_after_seconds(SimpleNamespace(response=response, retry_after=1)) == 1
    assert retry_after_seconds(SimpleNamespace(response=response, headers={}, retry_after=None)) == 3


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_a_header_has_any_case(name: str):
    assert retry_after_seconds(SimpleNamespace(headers={name: "5"})) == 5
    message = Message()
    message[name] = "6"
    assert retry_after_seconds(SimpleNamespace(headers=message)) == 6  # as urllib gives them


def test_a_date_counts_from_the_servers_clock_where_it_tells():
    wrong_by_hours = with_header("Fri, 03 May 2024 18:00:30 GMT", Date="Fri, 03 May 2024 18:00:00 GMT")
    assert retry_after_seconds(wrong_by_hours, now=NOON) == 30


@pytest.mark.parametrize("carrier", [None, ValueError("no"), 42, {"retry_after": 3}, SimpleNamespace(headers=None)])
def test_what_does_not_say_is_not_asked_again(carrier: Any):
    assert retry_after_seconds(carrier) is None


@given(value=st.text() | st.floats() | st.integers() | st.binary() | st.none())
def test_no_header_breaks_it(value: Any):
    for carrier in (with_header(value), SimpleNamespace(retry_after=value), with_header("Fri", Date=value)):
        seconds = retry_after_seconds(carrier, now=NOON)
        assert seconds is None or 0 <= seconds < float("inf")


class Busy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Retry-After", self.path[1:].replace("_", " "))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def busy():
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_what_a_server_asks_for_is_waited_for(busy: str):
    waits: list[float] = []

    def fetch() -> None:
        with urllib.request.urlopen(f"{busy}/17"):
            raise AssertionError("the server is busy")

    policy = RetryPolicy(max_attempts=3, retry_exception_types=["urllib.error.HTTPError"])
    with pytest.raises(RetryExecutionError, match="attempt 3 of 3 failed: HTTPError: HTTP Error 503") as error:
        run_with_retry(fetch, policy, sleep=waits.append)
    error.value.__cause__.close()
    assert waits == [17, 17]


def test_a_date_of_a_server_is_understood(busy: str):
    soon = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10), usegmt=True)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{busy}/{soon.replace(' ', '_')}")
    with error.value:
        assert 500 < retry_after_seconds(error.value) <= 600
