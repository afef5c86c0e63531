"""Writers killed in the middle of an overwrite: the file stays whole, and the next start tidies up.

`CCFLOW_ETL_KILLS=200 python -m pytest tests/stores/test_killed_writers.py -s` kills more often than the default.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ccflow_etl import LocalCacheStore
from ccflow_etl.stores.unfinished import is_temporary, remove_abandoned, temporary_file

KILLS = int(os.environ.get("CCFLOW_ETL_KILLS", "40"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks and kills with a signal")

# Every payload is one letter over and over, so that a mixture or a part of one shows.
DRIVER = """
    import os, random, signal, sys, time
    from ccflow_etl import LocalCacheStore
    root, kills = sys.argv[1], int(sys.argv[2])
    sizes = {letter: 400_000 + 1_000 * letter for letter in b"abcd"}
    payloads = {bytes([letter]) * size for letter, size in sizes.items()}
    chance = random.Random(7)
    store = LocalCacheStore(root=root)
    for key in ("daily/AAA", "new/1"):
        store.put_bytes(key, min(payloads))
    torn = left = unmoved = 0
    for number in range(kills):
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            writer = LocalCacheStore(root=root, durable=number % 2 == 0)
            os.write(tell, b".")
            while True:
                for payload in payloads:
                    writer.put_bytes("daily/AAA", payload)
                    writer.delete("new/2")
                    writer.put_bytes_new("new/2", payload)
        os.read(told, 1)
        os.close(told), os.close(tell)
        time.sleep(chance.uniform(0, 0.02))  # the random point
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        left += sum(name.endswith(".tmp") for _, _, names in os.walk(root) for name in names)
        store = LocalCacheStore(root=root)
        unmoved += sum(name.endswith(".tmp") for _, _, names in os.walk(root) for name in names)
        torn += store.get_bytes("daily/AAA") not in payloads
        torn += store.exists("new/2") and store.get_bytes("new/2") not in payloads
        torn += store.get_bytes("new/1") != min(payloads)
    print(torn, unmoved, left)
"""


def test_a_killed_writer_tears_nothing_and_the_next_start_tidies_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(DRIVER), str(tmp_path), str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    torn, unmoved, left = map(int, done.stdout.split())
    print(f"\n{KILLS} kills: {torn} torn or missing, {left} temporary files left, {unmoved} after the next start")  # noqa: T201 # figures that -s shows
    assert (torn, unmoved) == (0, 0)
    assert left > 0, "no kill came in the middle of a write"
    assert not any(is_temporary(path.name) for path in tmp_path.rglob("*"))


def test_a_live_writer_in_another_process_keeps_its_file(tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from ccflow_etl.stores.unfinished import temporary_file
        with temporary_file(Path(sys.argv[1])) as (file, path):
            print(path.name, flush=True)
            sys.stdin.read()
            print(path.exists(), flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        name = writer.stdout.readline().strip()
        LocalCacheStore(root=tmp_path)
        assert (tmp_path / name).exists()
        writer.stdin.close()
        assert writer.stdout.read().strip() == "True"
    assert list(tmp_path.iterdir()) == []


def test_a_file_swept_before_it_was_locked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another start looks at the new file in the instant before its writer locks it."""
    import fcntl

    lock = fcntl.flock
    swept = []

    def sweep_first(file: object, operation: int) -> None:
        if operation == fcntl.LOCK_EX and not swept:
            swept.extend(tmp_path.iterdir())
            remove_abandoned(tmp_path)
            assert list(tmp_path.iterdir()) == []
        lock(file, operation)  # type: ignore[arg-type] # a file number or a file

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    with temporary_file(tmp_path) as (file, path):
        assert list(tmp_path.iterdir()) == [path]
        assert path not in swept
        assert not file.closed
    assert len(swept) == 1
    assert list(tmp_path.iterdir()) == []


def test_without_locks_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(95, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with temporary_file(tmp_path) as (_, path):
        remove_abandoned(tmp_path)
        assert path.exists()


def test_only_unfinished_writes_are_removed(tmp_path: Path) -> None:
    temporary = ".ccflow-etl-" + "0" * 32 + ".tmp"
    kept = ["a.tmp", "b/.ccflow-etl-1.tmp", ".AAA.json"]
    (tmp_path / "b").mkdir()
    (tmp_path / "outside").mkdir()
    for name in (*kept, temporary, f"b/{temporary}", f"outside/{temporary}"):
        (tmp_path / name).write_bytes(b"")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / temporary).symlink_to(tmp_path / "outside" / temporary)
    LocalCacheStore(root=root)
    assert (tmp_path / "outside" / temporary).exists(), "what links lead to is another's"
    remove_abandoned(tmp_path / "b")
    assert (tmp_path / temporary).exists()
    remove_abandoned(tmp_path)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert found == sorted(kept)
