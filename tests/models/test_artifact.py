"""ETLArtifact: what it holds, and what makes two of them equal."""

import json
import pickle

import pytest
from ccflow import CallableModel, DateContext, Flow
from pydantic import ValidationError

from ccflow_etl import ETLArtifact


def test_the_defaults() -> None:
    artifact = ETLArtifact(key="daily/AAA", stage="extract")
    assert (artifact.status, artifact.metadata) == ("planned", {})
    assert artifact.dataset is artifact.uri is artifact.media_type is artifact.sha256 is artifact.size is None


@pytest.mark.parametrize("stage", ["plan", "extract", "transform", "load"])
def test_the_stages(stage: str) -> None:
    assert ETLArtifact(key="a", stage=stage).stage == stage


@pytest.mark.parametrize("settings", [{"stage": "loading"}, {"size": -1}, {"colour": "red"}, {"key": None}])
def test_what_it_is_not(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ETLArtifact(**{"key": "a", "stage": "load", **settings})


def test_what_is_known_of_the_bytes_is_no_part_of_equality() -> None:
    bare = ETLArtifact(key="a", stage="load")
    known = ETLArtifact(key="a", stage="load", sha256="00", size=5)
    assert bare == known
    assert known == bare


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "b"),
        ("stage", "plan"),
        ("status", "written"),
        ("dataset", "x"),
        ("uri", "file:///a"),
        ("media_type", "text/csv"),
        ("metadata", {"rows": 1}),
    ],
)
def test_everything_else_is(name: str, value: object) -> None:
    artifact = ETLArtifact(key="a", stage="load")
    assert artifact != artifact.model_copy(update={name: value})


def test_it_equals_only_artifacts() -> None:
    class Report(ETLArtifact):
        pass

    artifact = ETLArtifact(key="a", stage="load")
    assert artifact != {"key": "a"}
    assert artifact != Report(key="a", stage="load")
    assert artifact != 5


def test_each_has_its_own_metadata() -> None:
    first, second = (ETLArtifact(key="a", stage="load") for _ in range(2))
    first.metadata["rows"] = 1
    assert second.metadata == {}


def test_it_comes_back_from_json_and_pickle() -> None:
    artifact = ETLArtifact(key="a", stage="load", metadata={"rows": 1}, sha256="00", size=5)
    assert ETLArtifact.model_validate(json.loads(artifact.model_dump_json())) == artifact
    found = pickle.loads(pickle.dumps(artifact))
    assert (found, found.sha256, found.size) == (artifact, "00", 5)


def test_a_model_may_return_one() -> None:
    class Extract(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> ETLArtifact:
            return ETLArtifact(key=f"daily/{context.date}", stage="extract", status="written")

    assert Extract()(date="2024-01-03").key == "daily/2024-01-03"
