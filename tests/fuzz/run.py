"""Fuzz one target for some time, led by what of the package runs: python tests/fuzz/run.py codec 600"""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import atheris

with atheris.instrument_imports(include=["ccflow_etl"]):
    import targets

    import ccflow_etl

    for found in walk_packages(ccflow_etl.__path__, "ccflow_etl."):  # what is imported in functions, too
        import_module(found.name)


def main() -> None:
    """Run libFuzzer on a target; a finding is printed, and written to the working folder as crash-*."""
    name, seconds = sys.argv[1:]
    target = getattr(targets, name)
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(targets.SEEDS[target]):
            Path(folder, str(number)).write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *options, folder], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
