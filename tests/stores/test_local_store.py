"""LocalCacheStore: keys stay under the root, paths are used as they are."""

import os
import pickle
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from ccflow import BaseModel
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import LocalCacheStore
from ccflow_etl.stores.atomic import write_atomic

OUTSIDE = ["../a", "a/../../b", "..", "a/..", "/etc/passwd", "//a", "\\\\server\\a", "a\\..\\b", "\\a"]
ODD = ["", ".", "./a", "a/./b", "a//b", "a/", "a\x00b", "a/.ccflow-etl-" + "0" * 32 + ".tmp"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def methods(store: LocalCacheStore, key: str) -> list:  # type: ignore[type-arg] # of tuples of all kinds
    return [
        lambda: store.exists(key),
        lambda: store.get_bytes(key),
        lambda: store.put_bytes(key, b""),
        lambda: store.put_bytes_new(key, b""),
        lambda: store.uri(key),
        lambda: store.delete(key),
        lambda: store.resolve_key(key=key),
    ]


@pytest.mark.parametrize("key", OUTSIDE + ODD)
def test_a_key_that_is_none_is_refused_everywhere(root: Path, key: str) -> None:
    for method in methods(LocalCacheStore(root=root), key):
        with pytest.raises(ValueError, match="a key names a payload under the root") as caught:
            method()
        assert repr(key) in str(caught.value)
    assert not root.exists()


def test_a_key_of_an_unfinished_write_is_refused_as_such(root: Path) -> None:
    with pytest.raises(ValueError, match="has a name that is kept for unfinished writes"):
        LocalCacheStore(root=root).get_bytes(ODD[-1])


@given(st.text(st.sampled_from("ab./\\ \x00~:*é"), max_size=8))
def test_no_key_leaves_the_root(key: str) -> None:
    try:
        uri = LocalCacheStore(root="/root/cache").uri(key)
    except ValueError:
        return
    path = unquote(urlparse(uri).path)
    assert path == "/root/cache/" + key
    assert os.path.normpath(path) == path


def test_a_link_to_the_outside_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    root.mkdir()
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "file").symlink_to(tmp_path / "outside" / "secret")
    (root / "dangling").symlink_to(tmp_path / "outside" / "new")
    store = LocalCacheStore(root=root)
    for key in ("folder/secret", "folder/new", "file", "dangling"):
        for method in methods(store, key):
            with pytest.raises(ValueError, match="leads outside by a link"):
                method()
    assert store.list() == []
    assert sorted(path.name for path in (tmp_path / "outside").iterdir()) == ["secret"]


def test_a_link_within_the_root_and_a_root_that_is_a_link_are_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")
    store = LocalCacheStore(root=tmp_path / "root")
    store.put_bytes("daily/AAA", b"one")
    (tmp_path / "real" / "alias").symlink_to(tmp_path / "real" / "daily" / "AAA")
    assert store.get_bytes("alias") == b"one"
    assert store.list() == ["alias", "daily/AAA"]


def test_a_path_is_used_as_it_is(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "AAA"
    for store in (LocalCacheStore(), LocalCacheStore(root=root)):
        resolved = store.resolve_key(path=str(path), key="ignored", suffix=".json")
        assert resolved == path
        store.put_bytes(resolved, b"one")
        assert path.read_bytes() == store.get_bytes(resolved) == b"one"
        assert store.exists(resolved)
        assert store.uri(resolved) == path.as_uri()
        store.delete(resolved)
        assert not store.exists(resolved)
    assert not root.exists()


def test_without_a_root_text_is_a_path_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = LocalCacheStore()
    store.put_bytes("../" + tmp_path.name + "/AAA", b"one")
    assert store.get_bytes(str(tmp_path / "AAA")) == b"one"
    assert store.uri("AAA") == (tmp_path / "AAA").as_uri()


def test_without_a_root_there_are_no_keys() -> None:
    with pytest.raises(ValueError, match=r"'AAA' needs LocalCacheStore\(root=...\)"):
        LocalCacheStore().resolve_key(key="AAA", suffix=".json")
    with pytest.raises(ValueError, match=r"only LocalCacheStore\(root=...\) can be listed"):
        LocalCacheStore().list()
    with pytest.raises(ValueError, match="give a key or a path"):
        LocalCacheStore(root="cache").resolve_key()


def test_the_suffix_is_added_unless_it_is_there(root: Path) -> None:
    store = LocalCacheStore(root=root)
    assert store.resolve_key(key="a", suffix=".json.gz") == "a.json.gz"
    assert store.resolve_key(key="a.json.gz", suffix=".json.gz") == "a.json.gz"
    assert store.resolve_key(key="a.json", suffix=".json.gz") == "a.json.json.gz"
    assert store.resolve_key(key="a") == "a"


def test_the_uri_is_absolute_and_quoted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    assert LocalCacheStore(root="root").uri("a b/ü#1") == root.as_uri() + "/a%20b/%C3%BC%231"


def test_unfinished_writes_are_not_listed(root: Path) -> None:
    store = LocalCacheStore(root=root)
    store.put_bytes("daily/AAA", b"one")
    (root / "daily" / f".ccflow-etl-{'0' * 32}.tmp").write_bytes(b"half")
    assert store.list() == ["daily/AAA"]
    assert store.list("daily/.") == []


@pytest.mark.parametrize("prefix", ["../", "/", "a//b", "daily/AAA/", "no/such/folder"])
def test_a_prefix_that_no_key_has_finds_nothing(root: Path, prefix: str) -> None:
    store = LocalCacheStore(root=root)
    store.put_bytes("daily/AAA", b"one")
    assert store.list(prefix) == []


def test_a_folder_that_cannot_be_read_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: object) -> None:
        raise PermissionError(13, "not yours", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="not yours"):
        LocalCacheStore(root=root).list()


def test_a_folder_is_not_a_payload(root: Path) -> None:
    store = LocalCacheStore(root=root)
    store.put_bytes("daily/AAA", b"one")
    assert not store.exists("daily")
    with pytest.raises(IsADirectoryError):
        store.put_bytes("daily", b"two")
    assert store.get_bytes("daily/AAA") == b"one"


def test_only_a_durable_store_waits_for_the_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    LocalCacheStore(root=root, durable=False).put_bytes("daily/AAA", b"one")
    assert synced == []
    LocalCacheStore(root=root).put_bytes("daily/AAA", b"one")
    assert len(synced) == 2, "the file and its folder"
    LocalCacheStore(root=root).put_bytes_new("monthly/AAA", b"one")
    assert len(synced) == 5, "the new folder's name, too"
    write_atomic(root / "daily" / "BBB", b"one")
    assert len(synced) == 7, "so does a write by itself"


def test_it_is_a_ccflow_model(root: Path) -> None:
    store = LocalCacheStore(root=root)
    assert BaseModel.model_validate({"_target_": "ccflow_etl.LocalCacheStore", "root": str(root)}) == store
    assert pickle.loads(pickle.dumps(store)) == store


def test_a_folder_that_is_swapped_for_a_link_later_is_refused(root: Path, tmp_path: Path) -> None:
    store = LocalCacheStore(root=root)
    store.put_bytes("daily/AAA", b"one")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "AAA").write_bytes(b"secret")
    (root / "daily").rename(tmp_path / "moved")
    (root / "daily").symlink_to(tmp_path / "outside")
    for method in methods(store, "daily/AAA"):
        with pytest.raises(ValueError, match="leads outside by a link"):
            method()
    assert store.list() == []
    assert (tmp_path / "outside" / "AAA").read_bytes() == b"secret"
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["AAA"]


@pytest.mark.parametrize("key", ["daily", "daily/AAA/one"])
def test_a_folder_or_what_is_under_a_file_is_no_payload(tmp_path: Path, key: str) -> None:
    store = LocalCacheStore(root=tmp_path)
    store.put_bytes("daily/AAA", b"one")
    assert store.exists(key) is False
    with pytest.raises(FileNotFoundError, match="there is no payload at file:///"):
        store.get_bytes(key)
    store.delete(key)
    assert store.get_bytes("daily/AAA") == b"one"
