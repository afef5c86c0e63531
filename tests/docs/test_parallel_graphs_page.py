"""docs/parallel-graphs.md, run from top to bottom in an empty folder."""

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "parallel-graphs.md"


def test_every_block_of_the_page_on_parallel_graphs_prints_what_it_says(run_page):
    run_page(PAGE)
