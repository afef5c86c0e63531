import gc
import json
import multiprocessing
import pickle
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from ccflow import BaseModel
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pydantic import ValidationError

from ccflow_etl import (
    CacheCheckpointStore,
    CheckpointStatus,
    LocalCacheStore,
    LocalCheckpointStore,
    MemoryCheckpointStore,
)
from ccflow_etl.stores import sqlite
from ccflow_etl.testing import CheckpointStoreTests


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalCheckpointStore]:
    store = LocalCheckpointStore(path=tmp_path / "run" / "checkpoints.sqlite")
    yield store
    store.close()


class TestLocalCheckpointStore(CheckpointStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalCheckpointStore:
        return LocalCheckpointStore(path=tmp_path / "run" / "checkpoints.sqlite")


def test_nothing_is_created_before_the_first_mark(store: LocalCheckpointStore):
    assert store.get("k") is None
    assert store.should_skip("k") is False
    assert store.should_skip_many(["k", "l"]) == [False, False]
    assert store.list() == []
    assert store.delete("k") is False
    assert not store.path.parent.exists()
    store.mark("k", "running")
    assert store.path.is_file()


def test_marks_outlive_the_store(store: LocalCheckpointStore):
    store.mark_succeeded("k", {"rows": 1})
    store.close()
    again = LocalCheckpointStore(path=str(store.path))
    assert again.get("k") == store.get("k")
    again.close()


def test_a_mark_returns_the_record_that_get_returns(store: LocalCheckpointStore):
    assert store.mark("k", "running", {"host": "a"}) == store.get("k")
    assert store.mark_succeeded("k") == store.get("k")


def test_tables_of_one_file_are_apart(store: LocalCheckpointStore):
    other = LocalCheckpointStore(path=store.path, table="other_marks")
    store.mark_succeeded("k")
    assert other.should_skip("k") is False
    other.close()


@pytest.mark.parametrize("table", ["", "1st", "a b", 'a"b', "a;b", "märz", "sqlite_master", "SQLite_x", "a\n"])
def test_a_table_name_that_is_no_identifier_is_refused(tmp_path: Path, table: str):
    with pytest.raises(ValidationError, match="not usable: expected letters"):
        LocalCheckpointStore(path=tmp_path / "c.sqlite", table=table)


def test_a_table_may_have_the_name_of_a_keyword(tmp_path: Path):
    store = LocalCheckpointStore(path=tmp_path / "c.sqlite", table="order")
    store.mark_many(["a", "b"], "succeeded")
    assert store.delete("b") is True
    assert [record.key for record in store.list()] == ["a"]
    assert store.should_skip_many(["a", "b"]) == [store.should_skip("a"), store.should_skip("b")] == [True, False]
    store.close()


def test_a_path_in_memory_is_refused():
    with pytest.raises(ValidationError, match="lost with the process"):
        LocalCheckpointStore(path=":memory:")


def test_a_table_of_the_same_columns_made_elsewhere_is_read(store: LocalCheckpointStore):
    store.path.parent.mkdir()
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(
            "CREATE TABLE checkpoints (key TEXT PRIMARY KEY, status TEXT NOT NULL,"
            " updated_at TEXT NOT NULL, metadata TEXT NOT NULL)"
        )
        row = ("k", "succeeded", "2024-01-03T00:00:00+00:00", '{"rows": 1}')
        connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?)", row)
    assert store.should_skip("k") is True
    record = store.get("k")
    assert record is not None
    assert (record.updated_at, record.metadata) == ("2024-01-03T00:00:00+00:00", {"rows": 1})
    store.mark("k", "failed")
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT key, status FROM checkpoints").fetchall() == [("k", "failed")]


# --- bad input -------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_a_clear_error_and_left_alone(store: LocalCheckpointStore):
    store.path.parent.mkdir()
    store.path.write_bytes(b"key,status\n" * 500)
    for ask in (lambda: store.should_skip("k"), lambda: store.mark_succeeded("k"), store.list):
        with pytest.raises(sqlite3.DatabaseError, match=r"checkpoints\.sqlite: file is not a database\. Give the path"):
            ask()
    assert store.path.read_bytes() == b"key,status\n" * 500


def test_a_folder_is_a_clear_error(tmp_path: Path):
    store = LocalCheckpointStore(path=tmp_path)
    with pytest.raises(IsADirectoryError, match="expected a file for SQLite, found a folder") as error:
        store.should_skip("k")
    assert error.value.filename == str(tmp_path)


def test_a_file_in_place_of_the_folder_is_a_clear_error(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("notes")
    store = LocalCheckpointStore(path=tmp_path / "notes.txt" / "c.sqlite")
    with pytest.raises(OSError, match=r"notes\.txt"):
        store.mark_succeeded("k")


@pytest.mark.parametrize("columns", ["id INTEGER", "key TEXT, status TEXT, updated_at TEXT, metadata TEXT"])
def test_a_table_of_another_make_is_a_clear_error(store: LocalCheckpointStore, columns: str):
    # In the second one keys are not unique, and later marks would lie beside the earlier ones.
    store.path.parent.mkdir()
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(f"CREATE TABLE checkpoints ({columns})")
    with pytest.raises(sqlite3.OperationalError, match=r"checkpoints\.sqlite: .*give the name of another one"):
        store.mark_succeeded("k")


def test_a_damaged_file_is_a_clear_error(store: LocalCheckpointStore):
    store.mark_many([f"unit/{number:04d}" for number in range(5_000)], "succeeded")
    store.close()
    pages = bytearray(store.path.read_bytes())
    pages[4096:] = b"\xff" * (len(pages) - 4096)  # all but the first, which holds the list of tables
    store.path.write_bytes(pages)
    for ask in (lambda: store.should_skip("unit/0001"), store.list, lambda: store.get_many(["unit/0001"])):
        with pytest.raises(sqlite3.DatabaseError, match=r"checkpoints\.sqlite: .*malformed.* move this one away"):
            ask()


def test_a_bad_mark_changes_nothing(store: LocalCheckpointStore):
    store.mark_succeeded("k")
    with pytest.raises(ValidationError, match="done"):
        store.mark("k", "done")
    with pytest.raises(ValidationError, match="done"):
        store.mark_many(["k"], "done")
    with pytest.raises(TypeError, match=r"metadata of checkpoint 'k' must be JSON values: .*set"):
        store.mark("k", "failed", {"tags": {1}})
    assert [record.status for record in store.list()] == ["succeeded"]


def test_many_marks_are_all_or_none(store: LocalCheckpointStore):
    store.mark("b", "running")
    with pytest.raises(sqlite3.ProgrammingError, match=r"checkpoints\.sqlite"):
        store.mark_many(["a", "b", object()], "succeeded")  # type: ignore[list-item] # a mistake
    assert [(record.key, record.status) for record in store.list()] == [("b", "running")]
    store.mark("a", "running")  # the failed transaction is over


def test_one_key_in_place_of_several_is_refused(store: LocalCheckpointStore):
    with pytest.raises(TypeError, match=r"got the string 'abc'; pass \['abc'\]"):
        store.mark_many("abc", "succeeded")
    with pytest.raises(TypeError, match="got the string 'abc'"):
        store.should_skip_many("abc")


# --- the file under the store ----------------------------------------------------------------------------------------


def test_a_deleted_file_starts_anew(store: LocalCheckpointStore):
    store.mark_succeeded("old")
    for file in store.path.parent.iterdir():
        file.unlink()
    assert store.should_skip("old") is False
    store.mark_succeeded("new")
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT key FROM checkpoints").fetchall() == [("new",)]


def test_a_replaced_file_is_the_one_used(store: LocalCheckpointStore, tmp_path: Path):
    restored = LocalCheckpointStore(path=tmp_path / "restored.sqlite")
    restored.mark_succeeded("restored")
    restored.close()
    store.mark_succeeded("old")
    store.close()
    assert store.should_skip("old") is True
    restored.path.replace(store.path)
    assert store.should_skip_many(["old", "restored"]) == [False, True]


def test_a_forgotten_store_closes_its_connection(tmp_path: Path):
    path = tmp_path / "c.sqlite"
    store = LocalCheckpointStore(path=path)
    store.mark_succeeded("k")
    log = path.with_name("c.sqlite-wal")
    assert log.exists()
    del store
    gc.collect()
    assert not log.exists()  # SQLite removes it when the last connection is closed


def test_copies_go_where_their_fields_say(store: LocalCheckpointStore, tmp_path: Path):
    store.mark_succeeded("k")
    elsewhere = store.model_copy(update={"path": tmp_path / "other.sqlite"})
    assert store.model_copy().should_skip("k") is True
    assert store.model_copy(deep=True).should_skip("k") is True
    assert store.model_copy(update={"table": "others"}).should_skip("k") is False
    assert elsewhere.should_skip("k") is False


def test_a_pickled_store_keeps_its_file_in_another_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    store = LocalCheckpointStore(path="marks/c.sqlite")
    store.mark_succeeded("k")
    monkeypatch.chdir("/")
    assert store.should_skip("k") is True
    assert pickle.loads(pickle.dumps(store)).should_skip("k") is True


def test_a_dumped_store_is_configuration(store: LocalCheckpointStore):
    store.mark_succeeded("k")
    config = json.loads(store.model_dump_json(by_alias=True))
    again = BaseModel.model_validate(config)
    assert again == store
    assert again.should_skip("k") is True


# --- several writers -------------------------------------------------------------------------------------------------


def test_reading_does_not_wait_for_a_writer(store: LocalCheckpointStore):
    store.mark_succeeded("k")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("UPDATE checkpoints SET status = 'failed'")
        assert store.should_skip("k") is True
        assert [record.status for record in store.list()] == ["succeeded"]
        writer.execute("COMMIT")
    assert store.should_skip("k") is False


def test_a_mark_waits_for_another_writer(store: LocalCheckpointStore):
    store.mark("k", "planned")
    marker = threading.Thread(target=store.mark_succeeded, args=("k",))
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        marker.start()
        writer.execute("UPDATE checkpoints SET status = 'running'")
        writer.execute("COMMIT")
    marker.join()
    assert store.should_skip("k") is True


def test_a_writer_that_never_ends_is_a_clear_error(store: LocalCheckpointStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.01)
    store.mark("k", "planned")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match=r"sqlite: database is locked\. Another process has held it"):
            store.mark_succeeded("k")


def test_a_full_disk_is_told_with_the_path_and_loses_nothing(store: LocalCheckpointStore):
    store.mark_succeeded("before")
    with store._file.connection() as connection:
        connection.execute("PRAGMA max_page_count = 3")
    with pytest.raises(sqlite3.OperationalError) as caught:
        store.mark_many([f"{number:0100}" for number in range(1000)], "succeeded")
    assert str(caught.value) == f"{store.path}: database or disk is full"
    assert [record.key for record in store.list()] == ["before"]


def test_a_new_file_that_stays_locked_is_a_clear_error(store: LocalCheckpointStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.01)
    store.path.parent.mkdir()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            store.mark_succeeded("k")


def test_a_new_file_that_is_locked_for_a_while_is_waited_for(
    store: LocalCheckpointStore, monkeypatch: pytest.MonkeyPatch
):
    store.path.parent.mkdir()
    connect = sqlite3.connect
    with closing(connect(store.path, isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (n INTEGER)")
        other.execute("BEGIN EXCLUSIVE")
        # Without a timeout of its own SQLite refuses at once, as it refuses all but one of those that open a new file.
        monkeypatch.setattr(
            sqlite.sqlite3, "connect", lambda *args, **options: connect(*args, **options | {"timeout": 0})
        )
        monkeypatch.setattr(sqlite.time, "sleep", lambda seconds: other.in_transaction and other.execute("COMMIT"))
        store.mark_succeeded("k")
        assert not other.in_transaction, "it had to wait"
    assert store.should_skip("k")


@pytest.mark.parametrize("ask", ["get_many", "should_skip_many"])
def test_many_are_told_as_of_one_instant(store: LocalCheckpointStore, ask: str):
    store.mark("other", "planned")
    asked: list[str] = []

    def mark_all_before_the_second(statement: str) -> None:
        asked.append(statement)
        if sum(each.startswith("SELECT") for each in asked) == 2:
            with closing(LocalCheckpointStore(path=store.path)) as another:
                another.mark_many(["a", "b"], "succeeded")

    with store._file.connection() as connection:
        connection.set_trace_callback(mark_all_before_the_second)
    found = getattr(store, ask)(["a", "b"])
    assert [bool(each) for each in found] == [False, False]
    assert [record.key for record in store.list(status="succeeded")] == ["a", "b"]


def test_processes_that_open_a_new_file_at_once_all_succeed(tmp_path: Path):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=spawn) as pool:
        for round_ in range(25):
            store = LocalCheckpointStore(path=tmp_path / f"{round_}.sqlite")
            for future in [pool.submit(store.mark_succeeded, str(worker)) for worker in range(4)]:
                future.result()
            assert [record.key for record in store.list()] == ["0", "1", "2", "3"]


# --- against a dictionary --------------------------------------------------------------------------------------------

_edges = ["a/b", "a/c", "a", "a\ud7ff", "a\ue000", "a\U0010ffff", "a\U0010ffffb", "\U0010ffff"]  # of prefixes
_keys = st.text(st.characters(codec="utf-8"), max_size=4) | st.sampled_from(_edges)
_statuses = st.sampled_from(get_args(CheckpointStatus))
_metadata = st.none() | st.dictionaries(st.text(max_size=3), st.integers() | st.booleans() | st.none(), max_size=2)


class StoreAgainstDictionary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = self.make(Path(self.folder.name))
        self.expected: dict[str, tuple[str, dict]] = {}

    def make(self, folder: Path) -> Any:
        raise NotImplementedError

    def teardown(self) -> None:
        self.reopen()
        self.folder.cleanup()

    @rule(key=_keys, status=_statuses, metadata=_metadata)
    def mark(self, key, status, metadata):
        self.store.mark(key, status, metadata)
        self.expected[key] = (status, metadata or {})

    @rule(keys=st.lists(_keys, max_size=4), status=_statuses, metadata=_metadata)
    def mark_many(self, keys, status, metadata):
        self.store.mark_many(iter(keys), status, metadata)
        self.expected.update(dict.fromkeys(keys, (status, metadata or {})))

    @rule(key=_keys)
    def delete(self, key):
        assert self.store.delete(key) is (self.expected.pop(key, None) is not None)

    @rule(prefix=_keys, status=st.none() | _statuses)
    def list(self, prefix, status):
        wanted = [k for k in sorted(self.expected) if k.startswith(prefix) and status in (None, self.expected[k][0])]
        assert [record.key for record in self.store.list(prefix=prefix, status=status)] == wanted

    @rule(keys=st.lists(_keys, max_size=4))
    def ask(self, keys):
        assert self.store.should_skip_many(keys) == [self.expected.get(k, ("",))[0] == "succeeded" for k in keys]
        found = [record and (record.status, record.metadata) for record in self.store.get_many(keys)]
        assert found == [self.expected.get(k) for k in keys]

    @rule()
    def reopen(self):
        if isinstance(self.store, LocalCheckpointStore):
            self.store.close()

    @invariant()
    def holds_what_was_marked(self):
        assert {r.key: (r.status, r.metadata) for r in self.store.list()} == self.expected


class LocalAgainstDictionary(StoreAgainstDictionary):
    def make(self, folder: Path) -> LocalCheckpointStore:
        return LocalCheckpointStore(path=folder / "c.sqlite")


class MemoryAgainstDictionary(StoreAgainstDictionary):
    def make(self, folder: Path) -> MemoryCheckpointStore:
        return MemoryCheckpointStore()


class CacheAgainstDictionary(StoreAgainstDictionary):
    def make(self, folder: Path) -> CacheCheckpointStore:
        return CacheCheckpointStore(store=LocalCacheStore(root=folder, durable=False))


for machine in (LocalAgainstDictionary, MemoryAgainstDictionary, CacheAgainstDictionary):
    machine.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestLocalAgainstDictionary = LocalAgainstDictionary.TestCase
TestMemoryAgainstDictionary = MemoryAgainstDictionary.TestCase
TestCacheAgainstDictionary = CacheAgainstDictionary.TestCase
