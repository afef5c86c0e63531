import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import LocalCacheStore, MemoryCacheStore
from ccflow_etl.models.outputs import is_intact, which_exist

PARTS = ["a", "b", "A", ".", "..", "file", "link", "dangling", "loop", "ä", ""]


@given(st.lists(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("/".join), max_size=12))
def test_paths_exist_as_the_operating_system_says(paths: list[str]):
    with TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("a", "a/b", "b"):
            (root / folder).mkdir()
            (root / folder / "file").touch()
            (root / folder / "ä").touch()
            (root / folder / "link").symlink_to(root)
            (root / folder / "dangling").symlink_to("nowhere")
            (root / folder / "loop").symlink_to("loop")
        asked = [f"{name}/{path}" for path in paths]
        assert which_exist(asked) == [os.path.exists(path) for path in asked]
        assert which_exist([Path(path) for path in asked]) == [os.path.exists(Path(path)) for path in asked]


def test_links_count_for_what_they_lead_to(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "good").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    assert which_exist([tmp_path / name for name in ("file", "good", "dangling", "loop")]) == [True, True, False, False]


def test_relative_and_impossible_paths_exist_as_the_operating_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").touch()
    paths = ["a", "b", "./a", "a/b", "a/c", "x\0y/a", "x\0y/b", "", "/", "~"]
    assert which_exist(paths) == [os.path.exists(path) for path in paths]


def test_a_folder_is_listed_once_and_its_files_are_not_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    paths = [tmp_path / folder / f"{number}.json" for folder in "abc" for number in range(100)]
    for path in paths[::2]:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    listed: Counter[str] = Counter()
    scandir = os.scandir

    def count(folder: str) -> object:
        listed[folder] += 1
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", count)
    monkeypatch.setattr(os.path, "exists", lambda path: pytest.fail(f"asked about {path}"))
    assert which_exist(paths) == [True, False] * 150
    assert listed == {str(tmp_path / folder): 1 for folder in "abc"}


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions are another matter here")
def test_a_folder_that_may_be_entered_and_not_listed_is_asked_about_each_file():
    script = """
import os, sys
from ccflow_etl.models.outputs import which_exist
if os.getuid() == 0:
    os.setuid(65534)  # root may list anything
print(which_exist([f"{sys.argv[1]}/{name}" for name in "abc"]))
"""
    with TemporaryDirectory() as name:
        Path(name, "a").touch()
        Path(name, "c").touch()
        os.chmod(name, 0o111)
        done = subprocess.run([sys.executable, "-c", script, name], capture_output=True, text=True, check=True)
        os.chmod(name, 0o755)
    assert done.stdout == "[True, False, True]\n"


@given(st.lists(st.sampled_from(["a", "a/b", "a/b/c", "b", "ab", "/a", "a/c", "z/z"]), max_size=10))
def test_keys_exist_as_the_store_says(keys: list[str]):
    store = MemoryCacheStore()
    for key in ("a/b", "b", "a/b/c/d", "z/z"):
        store.put_bytes(key, b"")
    assert which_exist(keys, store) == [store.exists(key.lstrip("/")) for key in keys]
    assert which_exist([Path(key) for key in keys], store) == which_exist(keys, store)


@pytest.mark.parametrize("kind", ["path", "local store", "memory store"])
def test_an_output_is_intact_as_recorded(tmp_path: Path, kind: str):
    store = {"path": None, "local store": LocalCacheStore(root=tmp_path), "memory store": MemoryCacheStore()}[kind]

    def ask(payload: bytes, size: object = None, sha256: object = None) -> bool:
        if store is None:
            (tmp_path / "a").write_bytes(payload)
            return is_intact(tmp_path / "a", None, size, sha256)
        store.put_bytes("a", payload)
        return is_intact("a", store, size, sha256)

    digest = hashlib.sha256(b"abc").hexdigest()
    assert ask(b"abc") is True
    assert ask(b"") is False
    assert ask(b"", size=0) is True, "an empty output may be what was recorded"
    assert ask(b"abc", size=3) is True
    assert ask(b"abc", size=4) is False
    assert ask(b"abc", size="large") is False
    assert ask(b"abc", sha256=digest.upper()) is True
    assert ask(b"abc", size=3, sha256=digest) is True
    assert ask(b"abd", size=3, sha256=digest) is False
    assert ask(b"abc", size=4, sha256=digest) is False
    assert ask(b"abc", sha256=7) is False
    assert is_intact(tmp_path / "gone" if store is None else "gone", store, None, None) is False


def test_a_folder_is_intact_if_something_is_in_it_and_nothing_is_recorded(tmp_path: Path):
    assert is_intact(tmp_path, None, None, None) is False
    (tmp_path / "part-0").touch()
    assert is_intact(tmp_path, None, None, None) is True
    assert is_intact(tmp_path, None, os.path.getsize(tmp_path), None) is False


@given(st.binary(min_size=1, max_size=200), st.data())
def test_any_flipped_bit_shows(payload: bytes, data: st.DataObject):
    store = MemoryCacheStore()
    damaged = bytearray(payload)
    damaged[data.draw(st.integers(0, len(payload) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    store.put_bytes("a", damaged)
    assert is_intact("a", store, len(payload), hashlib.sha256(payload).hexdigest()) is False
