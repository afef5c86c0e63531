"""The pages of docs/, each run from top to bottom in an empty folder; what is run of one is said in conftest.py."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
RUN_ELSEWHERE = {
    "connectors.md": "test_connectors_page.py",  # with a server
    "report.md": "test_report_docs.py",  # with the example configs
}
RUN = re.compile(r"^```(bash|python)$", re.MULTILINE)
PAGES = sorted(page.name for page in DOCS.glob("*.md") if RUN.search(page.read_text()))


@pytest.mark.parametrize("name", [name for name in PAGES if name not in RUN_ELSEWHERE])
def test_every_block_of_a_page_runs_and_prints_what_it_says(run_page, name):
    run_page(DOCS / name)


def test_every_page_is_run():
    assert set(PAGES) >= {"backfills.md", "calendars.md", "checkpoints.md", "extending.md", "handoffs.md", "retries.md"}
    assert RUN_ELSEWHERE.keys() <= set(PAGES)
    for name, test in RUN_ELSEWHERE.items():
        assert f'"{name}"' in (Path(__file__).parent / test).read_text()


def test_the_index_has_every_page():
    index = (DOCS / "README.md").read_text()
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")]
    listed = [page for page in pages if Path(page).name == "README.md" or "/" not in page]
    assert [page for page in listed if page != "README.md" and f"]({page})" not in index] == []
