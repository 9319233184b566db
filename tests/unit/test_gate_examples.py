"""The examples of the page on the gate: whole YAML, commands that there are, and no secret."""

import re
from typing import Any

import pytest
import typer
import yaml

from reconciler.settings import load_settings
from reconciler.surfaces.cli.app import build_app
from tests.unit.test_docs import code_blocks
from tests.unit.test_house import ROOT

PAGE = ROOT / "docs/gate.md"
EXAMPLES = [yaml.safe_load(block) for block in code_blocks(PAGE, "yaml")]


def strings(value: Any) -> list[str]:
    """Every text within, and each list of texts as one command."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list):
        if value and all(isinstance(each, str) for each in value) and value[0] == "reconciler":
            return [" ".join(value)]
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


def names(value: Any) -> set[str]:
    """Every variable of ours that is set or used."""
    return set(re.findall(r"RECONCILER_[A-Z_]+__[A-Z_]+", yaml.safe_dump(value)))


def test_there_are_three() -> None:
    """One for each place in which deployments are made."""
    github, gitlab, kubernetes = EXAMPLES

    assert github["jobs"]["deploy"]["needs"] == "gate"
    assert gitlab["deploy"]["needs"] == ["gate"]
    assert (kubernetes["kind"], kubernetes["apiVersion"]) == ("Job", "batch/v1")


@pytest.mark.parametrize("example", EXAMPLES, ids=["github", "gitlab", "kubernetes"])
def test_its_command_is_there_and_shows_no_secret(example: Any) -> None:
    """The command and its options exist, and no text of it holds or prints a secret."""
    (command,) = [each for each in strings(example) if each.startswith("reconciler ")]
    root: Any = typer.main.get_command(build_app())
    known = {option for each in root.commands["gate"].params for option in each.opts}
    words = command.split()

    assert words[:2] == ["reconciler", "gate"]
    assert {word for word in words if word.startswith("-")} <= known
    for text in strings(example):
        assert "mongodb://" not in text
        assert not re.search(r"\b(echo|printenv|env|set -x|cat)\b.*(URI|TOKEN)", text)


@pytest.mark.parametrize("example", EXAMPLES, ids=["github", "gitlab", "kubernetes"])
def test_its_settings_are_settings(example: Any) -> None:
    """Each variable of ours in an example is one that is read."""
    values = {"RECONCILER_MONGO__URI": "mongodb://db", "RECONCILER_MONGO__DATABASE": "exchange"}

    load_settings(environment={name: values[name] for name in names(example)})


def test_the_connection_string_comes_from_a_secret() -> None:
    """Of GitHub's secrets, and of a Kubernetes Secret."""
    github, _, kubernetes = EXAMPLES
    step = github["jobs"]["gate"]["steps"][-1]
    (container,) = kubernetes["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each for each in container["env"]}

    assert re.fullmatch(r"\$\{\{ secrets\.\w+ \}\}", step["env"]["RECONCILER_MONGO__URI"])
    assert "secretKeyRef" in variables["RECONCILER_MONGO__URI"]["valueFrom"]


def test_only_what_may_pass_is_tried_again() -> None:
    """The Job fails at once on wrong usage and on what is not met, and never on 4."""
    (rule,) = EXAMPLES[2]["spec"]["podFailurePolicy"]["rules"]

    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"]["values"] == [2, 3]
