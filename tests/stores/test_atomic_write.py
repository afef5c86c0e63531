"""write_atomic: whole or not at all, through failures, races and a killed process."""

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from ccflow_etl.stores.atomic import write_atomic
from ccflow_etl.stores.unfinished import is_temporary


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_it_writes_and_replaces(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    assert write_atomic(path, b"first, longer", durable=durable) is True
    assert write_atomic(str(path), b"second", durable=durable) is True
    assert path.read_bytes() == b"second"
    assert names(path.parent) == ["c.txt"]


def test_without_overwrite_it_only_creates(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert write_atomic(path, b"one", overwrite=False) is True
    assert write_atomic(path, b"two", overwrite=False) is False
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_in_the_place_of_the_file_is_an_error(tmp_path: Path, overwrite: bool) -> None:
    with pytest.raises(IsADirectoryError, match="give the path of a file in it"):
        write_atomic(tmp_path, b"", overwrite=overwrite)
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="makes a pipe")
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_device_or_a_pipe_is_not_replaced(tmp_path: Path, overwrite: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="give the path of a regular file"):
        write_atomic(tmp_path / "pipe", b"", overwrite=overwrite)
    assert (tmp_path / "pipe").is_fifo()


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"file")
    with pytest.raises(NotADirectoryError, match="expected a folder, found a file; give another path"):
        write_atomic(tmp_path / "a" / "b.txt", b"")
    assert (tmp_path / "a").read_bytes() == b"file"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "far" / "target")
    assert write_atomic(tmp_path / "link", b"one", overwrite=False) is True
    assert write_atomic(tmp_path / "link", b"two", overwrite=False) is False
    assert write_atomic(tmp_path / "link", b"three") is True
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "target").read_bytes() == b"three"


def test_permissions_are_those_of_a_new_file_or_of_the_old_one(tmp_path: Path) -> None:
    usual, written = tmp_path / "usual", tmp_path / "written"
    usual.write_bytes(b"")
    write_atomic(written, b"one")
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
    written.chmod(0o640)
    write_atomic(written, b"two")
    assert stat.S_IMODE(written.stat().st_mode) == 0o640


def test_a_long_name_has_room(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    write_atomic(path, b"one")
    assert path.read_bytes() == b"one"


LIMITED = """
    import resource, signal, sys
    from pathlib import Path
    from ccflow_etl.stores.atomic import write_atomic
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
    try:
        write_atomic(Path(sys.argv[1]), bytes(100_000), overwrite=sys.argv[2] == "True")
    except OSError as error:
        print(type(error).__name__, error.errno)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "a.txt"
    if overwrite:
        path.write_bytes(b"old")
    command = [sys.executable, "-c", textwrap.dedent(LIMITED), str(path), str(overwrite)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["OSError", str(errno.EFBIG)]
    assert names(tmp_path) == (["a.txt"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"old"


def create(path: str, number: int) -> bool:
    return write_atomic(path, str(number).encode() * 50_000, overwrite=False)


def test_of_many_processes_one_creates(tmp_path: Path) -> None:
    with ProcessPoolExecutor(8, mp_context=get_context("spawn")) as pool:
        for round_ in range(5):
            path = tmp_path / f"{round_}.txt"
            created = [future.result() for future in [pool.submit(create, str(path), number) for number in range(8)]]
            assert created.count(True) == 1
            assert path.read_bytes() == str(created.index(True)).encode() * 50_000
    assert names(tmp_path) == [f"{round_}.txt" for round_ in range(5)]


def refuse_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, "no hard links here")


def test_without_hard_links_one_still_creates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refuse_links)
    assert write_atomic(tmp_path / "a.txt", b"one", overwrite=False) is True
    assert write_atomic(tmp_path / "a.txt", b"two", overwrite=False) is False
    assert (tmp_path / "a.txt").read_bytes() == b"one"
    assert names(tmp_path) == ["a.txt"]


def test_without_hard_links_another_writer_may_be_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def another_is_first(_: object, target: Path) -> None:
        target.write_bytes(b"theirs")
        refuse_links()

    monkeypatch.setattr(os, "link", another_is_first)
    assert write_atomic(tmp_path / "a.txt", b"ours", overwrite=False) is False
    assert (tmp_path / "a.txt").read_bytes() == b"theirs"


def test_without_hard_links_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(os, "link", refuse_links)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="broken disk"):
        write_atomic(tmp_path / "a.txt", b"one", overwrite=False)
    assert names(tmp_path) == []


def test_any_other_failure_to_link_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(OSError, match="broken disk"):
        write_atomic(tmp_path / "a.txt", b"one", overwrite=False)
    assert names(tmp_path) == []


WRITER = """
    import sys
    from ccflow_etl.stores.atomic import write_atomic
    print("ready", flush=True)
    while True:
        for letter in b"ab":
            write_atomic(sys.argv[1], bytes([letter]) * 200_000, durable=False)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
def test_a_killed_writer_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a" * 200_000)
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            for _ in range(200):
                assert path.read_bytes() in (b"a" * 200_000, b"b" * 200_000)
            writer.send_signal(signal.SIGKILL)
        assert path.read_bytes() in (b"a" * 200_000, b"b" * 200_000)
        assert all(is_temporary(name) for name in set(names(tmp_path)) - {"a.txt"})


@pytest.mark.parametrize(
    "name", ["a.tmp", ".ccflow-etl-.tmp", ".ccflow-etl-1.tmp", "x.ccflow-etl-" + "0" * 32 + ".tmp"]
)
def test_only_our_own_names_are_temporary(name: str) -> None:
    assert not is_temporary(name)
