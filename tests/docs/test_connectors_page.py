"""docs/connectors.md, run from top to bottom in an empty folder, with the published connectors and an S3 server."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "connectors.md"


@pytest.mark.integration
def test_every_block_of_the_connectors_page_prints_what_it_says(run_page, s3_endpoint):
    run_page(
        PAGE,
        EXAMPLES=str(ROOT / "config"),
        AWS_ENDPOINT_URL_S3=s3_endpoint,
        AWS_ACCESS_KEY_ID="someone",
        AWS_SECRET_ACCESS_KEY="hush",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE="/dev/null",
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
    )


def test_the_connectors_page_shows_the_example_as_it_is():
    shown = PAGE.read_text().partition("```yaml\n")[2].partition("```")[0]
    example = (ROOT / "config" / "weather_s3.yaml").read_text()
    assert [part for part in shown.split("\n\n") if part.strip("\n").partition("\n")[2] not in example] == []
