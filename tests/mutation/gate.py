"""Mutation testing of the engines: change the code a little, run the tests of the changed line, see whether one fails.

``make mutation`` tries a sample: so many of each module, the same for the same code. ``equivalent.txt`` lists the
mutants that no test can tell from the code, each with its reason; they do not count. Ends with 1 when a room scores
below the bound.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
from collections import Counter
from pathlib import Path

from covered import Covered, cover
from mutants import Mutant, mutants
from room import Room
from trial import KILLED, SURVIVED, TIMEOUT, Bench, Outcome

ROOT = Path(__file__).parents[2]
BACKFILLS = ["backfill*", "blocks", "graph_steps", "marks", "outputs", "parallel_graph", "plan*", "report", "retry"]
BACKFILLS += ["run_events", "skip_policies", "step*", "watch"]
DASK = "tests/models/test_backfill_dask.py"
ROOMS = {
    "calendars": (["calendars/*.py"], ["tests/calendars", "tests/models/test_backfill_late_bounds.py"]),
    "codecs": (["codecs/*.py"], ["tests/codecs"]),
    "execution": (["execution/*.py"], ["tests/execution", DASK]),
    "stores": (["stores/*.py"], ["tests/stores"]),
    "models": ([f"models/{name}.py" for name in BACKFILLS], ["tests/models", "tests/pages", f"--ignore={DASK}"]),
}
"""Each room with its modules and with its tests."""
EQUIVALENT = Path(__file__).with_name("equivalent.txt")


def sample(room: str, each: int, seed: str) -> list[Mutant]:
    """So many mutants of each module: a mutant's place in the draw depends on its name and the seed alone."""
    package = ROOT / "ccflow_etl"
    drawn: list[Mutant] = []
    for module in sorted({path for pattern in ROOMS[room][0] for path in package.glob(pattern)}):
        found = mutants(str(module.relative_to(ROOT)), module.read_bytes())
        found.sort(key=lambda one: hashlib.sha256((seed + one.name).encode()).digest())
        drawn += found[: each or None]
    return drawn


def equivalent() -> dict[str, str]:
    """The mutants that do not count, and why: a line for the mutant, an indented one for the reason."""
    lines = EQUIVALENT.read_text().splitlines()
    return {name: why.strip() for name, why in zip(lines[::2], lines[1::2], strict=True)}


def row(room: str, found: list[Outcome], accepted: dict[str, str]) -> tuple[str, float]:
    """A room's line of the table, and its score in percent."""
    count = Counter(
        "equivalent" if each.status == SURVIVED and each.mutant.name in accepted else each.status for each in found
    )
    tried = len(found) - count["equivalent"]
    score = 100 * (count[KILLED] + count[TIMEOUT]) / tried if tried else 100.0
    counts = [len(found), *(count[status] for status in (KILLED, TIMEOUT, SURVIVED, "equivalent"))]
    return f"| {room} | {' | '.join(map(str, counts))} | {score:.1f}% |", score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(ROOMS))
    parser.add_argument("--each", type=int, default=5, help="mutants of each module; 0 tries all")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--only", nargs="+", default=[""], help="only mutants whose name contains one of these texts")
    parser.add_argument("--tests", nargs="+", default=[], help="run these tests instead of those of the line")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--budget", type=float, default=60, help="seconds of tests for a first try")
    parser.add_argument("--least", type=float, default=80, help="the lowest score of a room, in percent")
    parser.add_argument("--folder", type=Path, default=ROOT / ".mutation", help="what is kept between runs")
    parser.add_argument("--cover", action="store_true", help="find out again which tests run which lines")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which tests send, and a job in the background ignores
    accepted = equivalent()
    rows = ["| room | mutants | killed | timeout | survived | equivalent | score |", "| --- " + "| ---: " * 6 + "|"]
    scores: list[float] = []
    benches = [Bench(options.folder.resolve() / f"bench{number}", ROOT) for number in range(options.jobs)]
    for room in options.rooms:
        folder = options.folder.resolve() / room
        if options.cover or not (folder / "seconds.json").exists():
            cover(folder, ROOT, ROOMS[room][1])
        drawn = sample(room, options.each, options.seed)
        todo = [mutant for mutant in drawn if any(text in mutant.name for text in options.only)]
        found = Room(Covered(folder, ROOT), benches, options.tests).outcomes(todo, options.budget, accepted)
        text, score = row(room, found, accepted)
        rows.append(text)
        scores.append(score)
    sys.stdout.write("\n" + "\n".join(rows) + "\n")
    raise SystemExit(min(scores) < options.least)


if __name__ == "__main__":
    main()
