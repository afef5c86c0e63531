"""The tables of a run: as JSON, as Markdown, and beside those of the committed run."""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.ratios import Measure, Row

RESULTS = Path(__file__).with_name("results.json")
LIBRARIES = ("ccflow", "numpy", "pandas", "pyarrow")

# How many times worse a ratio may be than the committed one: README.md says how these were chosen.
TOLERANCES: Mapping[Measure, float] = {"clock": 2.0, "processor": 1.5, "bytes": 1.1, "memory": 1.3}

Results = dict[str, dict[str, Any]]


def environment() -> dict[str, Any]:
    """What a table was measured with."""
    return {
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def tables(rows: Iterable[Row], measured_with: dict[str, Any]) -> Results:
    """The rows by engine, to four digits."""
    found: Results = {}
    for row in rows:
        table = found.setdefault(row.engine, {"environment": measured_with, "rows": []})
        numbers = {"ours": row.ours, "theirs": row.theirs, "ratio": row.ratio, "most": row.most}
        rounded = {name: number if number is None else float(f"{number:.4g}") for name, number in numbers.items()}
        table["rows"].append(
            {"what": row.what, "beside": row.beside, "measure": row.measure, **rounded, "test": row.test},
        )
    return found


def read(path: Path) -> Results:
    """The tables of a file; none where there is no file."""
    return json.loads(path.read_text()) if path.exists() else {}


def write(path: Path, results: Results) -> None:
    """Write tables as JSON, and beside it as Markdown; those of engines that were not measured again are kept."""
    merged = dict(sorted((read(path) | results).items()))
    path.write_text(json.dumps(merged, indent=1) + "\n")
    page = "# Results\n\nWritten by `make bench`; [README.md](README.md) says how to read them.\n\n" + markdown(merged)
    path.with_suffix(".md").write_text(page)


def regression(row: Row, committed: Results) -> str | None:
    """What to say about a row that is worse than in the committed tables, or that they do not know."""
    again = f"python -m pytest 'benchmarks/{row.test}' --gate"
    record = f"python -m pytest benchmarks/bench_{row.engine}.py --record"
    for old in committed.get(row.engine, {"rows": []})["rows"]:
        if (old["what"], old["beside"]) == (row.what, row.beside):
            if row.ratio <= TOLERANCES[row.measure] * old["ratio"]:
                return None
            return (
                f"{row.engine}, {row.what}: {row.ratio:.3g} of {row.beside}, where it was {old['ratio']:.3g}: "
                f"{row.ratio / old['ratio']:.2f} times, above {TOLERANCES[row.measure]}. Look again with {again}; "
                f"find what made it slow, or, where it is worth its price, record it with {record} and commit that"
            )
    return f"{row.engine}, {row.what} beside {row.beside} is not in the committed results: record it with {record}"


def markdown(results: Results) -> str:
    """A table for each engine."""
    lines = []
    for engine, table in results.items():
        with_ = table["environment"]
        versions = ", ".join(f"{name} {with_[name]}" for name in LIBRARIES)
        lines += [f"## {engine.capitalize()}", ""]
        lines += [f"Python {with_['python']}, {versions}; {with_['cores']} cores, load {with_['load']}.", ""]
        lines += ["| what | measure | ours | beside | theirs | ratio | asserted |", "|---|---|---:|---|---:|---:|---:|"]
        for row in table["rows"]:
            amounts = [amount(row[side], row["measure"]) for side in ("ours", "theirs")]
            most = "" if row["most"] is None else f"at most {fraction(row['most'])}"
            cells = [row["what"], row["measure"], amounts[0], row["beside"], amounts[1], fraction(row["ratio"]), most]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def fraction(ratio: float) -> str:
    """A ratio as it is read: 1.14, 0.85, 1 / 152."""
    return f"{ratio:.2f}" if ratio >= 0.5 else f"1 / {_digits(1 / ratio)}"


def amount(number: float, measure: Measure) -> str:
    """Seconds or bytes, in the unit that keeps them short."""
    bytes_, seconds = [(1e6, "MB"), (1e3, "kB"), (1, "B")], [(1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")]
    scales = bytes_ if measure in ("bytes", "memory") else seconds
    scale, name = next((scale for scale in scales if number >= scale[0]), scales[-1])
    return f"{_digits(number / scale)} {name}"


def _digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 99.5 else f"{number:.3g}"
