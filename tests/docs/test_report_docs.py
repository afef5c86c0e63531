"""docs/report.md, run from top to bottom in an empty folder."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "report.md"


def test_every_block_of_the_report_page_prints_what_it_says(run_page):
    run_page(PAGE, EXAMPLES=str(ROOT / "config"))
