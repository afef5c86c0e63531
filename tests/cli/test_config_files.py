"""What is wrong with a file of the config, told with the file or the key that it is in."""

import pytest

CONTEXT = "callable: /model\ncontext: {input_path: notes.txt, output_path: out.json}\n"
MODEL = "model: {_target_: my_models.Stats, top: %s}\n" + CONTEXT
COMMANDS = ("cc-etl", "cc-etl-explain", "cc-etl-plan")


def told(project, files, command="cc-etl"):
    """What a command says of the config `bad`, of bytes or a text or with other files beside it."""
    for name, text in (files if isinstance(files, dict) else {"bad": files}).items():
        content = text if isinstance(text, bytes) else text.encode()
        (project.folder / "config" / f"{name}.yaml").write_bytes(content)
    done = project(f"{command} -cp config -cn bad")
    assert (done.code, done.out) == (2, "")
    return done.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"caf\xe9: 1\n", "'utf-8' codec can't decode byte 0xe9 in position 3: invalid continuation byte"),
        ("42\n", "Invalid loaded object type: int"),
        ("model: &a {_target_: my_models.Stats, top: *a}\n", "a part of it contains itself"),
        ('a: "\x01"\n', "unacceptable character #x0001: special characters are not allowed"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(project, command, content, reason):
    assert told(project, content, command) == f"error: config/bad.yaml cannot be read: {reason}\n"


def test_a_file_of_the_defaults_that_cannot_be_read_is_the_one_that_is_named(project):
    said = told(project, {"bad": "defaults: [other, _self_]\n", "other": b"\xff"})
    assert said.startswith("error: config/other.yaml cannot be read: 'utf-8' codec can't decode byte 0xff")


@pytest.mark.parametrize("command", COMMANDS)
def test_defaults_that_lead_back_to_their_file(project, command):
    said = told(project, "defaults: [text_stats, bad, _self_]\n", command)
    assert said == "error: In 'bad': its defaults lead back to it\n"


def test_defaults_that_lead_back_by_way_of_others(project):
    files = {"bad": "defaults: [a]\n", "a": "defaults: [text_stats, b]\n", "b": "defaults: [a]\n"}
    assert told(project, files) == "error: In 'a': its defaults lead back to it by way of 'b'\n"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            "'${oc.env:NOPE_X}'",
            "KeyError raised while resolving interpolation: \"Environment variable 'NOPE_X' not found\"",
        ),
        ("'${nope}'", "Interpolation key 'nope' not found"),
        ("'${foo:1}'", "Unsupported interpolation type foo"),
    ],
)
def test_a_value_that_cannot_be_made_is_told_with_its_key(project, command, value, reason):
    assert told(project, MODEL % value, command) == f"error: model.top: {reason}\n"


@pytest.mark.parametrize("target", ["", ".Stats", "my_models..Stats"])
def test_a_target_that_is_no_path(project, target):
    said = told(project, MODEL.replace("my_models.Stats", f"'{target}'") % 3)
    assert said == f"error: model: _target_ is {target!r}, and not a dotted path such as my_models.Stats\n"


def test_a_registry_that_cannot_be_made_is_told_in_a_line_per_field(project):
    said = told(project, "a: {'': {b: {_target_: my_models.Stats}}}\n")
    assert said == "error: the config does not fit ModelRegistry\n  name: name must be non-empty\n"
