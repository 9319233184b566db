"""The Dockerfile's own install steps, run without a container engine.

Shown here: the builder stage's COPY and RUN lines, taken from the file itself and run in an empty
directory, give an environment that imports the package and its locked dependencies and nothing of
the tools; that the image refuses to start beyond loopback without tokens; and that its health check
asks. Not shown, because no engine is at hand: that the base image has what the steps use, that
the final stage's COPY, USER and HEALTHCHECK do in an engine what they say, and that the image runs
on a read-only root file system.
"""

import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The directories of the image that the builder writes to, mapped into an empty one of ours.
MAPPED = ("/build", "/opt/reconciler")
STEP_SECONDS = 100.0


@dataclass(frozen=True)
class Step:
    keyword: str
    text: str


def stages() -> list[list[Step]]:
    """The instructions of each stage, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[list[Step]] = []
    for line in joined.splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            found.append([])
        found[-1].append(Step(keyword, rest))
    return found


def mapped(text: str, onto: Path) -> str:
    for directory in MAPPED:
        text = re.sub(rf"(?<![\w/]){directory}(?![\w-])", f"{onto}{directory}", text)
    return text


def copy(step: Step, onto: Path) -> None:
    *sources, target = shlex.split(mapped(step.text, onto))
    if target.endswith("/"):
        Path(target).mkdir(parents=True, exist_ok=True)
    for source in sources:
        found = ROOT / source
        if found.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(found, target, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(found, target)


def run(step: Step, onto: Path) -> None:
    interpreter = Path(sys.base_prefix) / "bin"
    result = subprocess.run(
        ["/bin/sh", "-euc", mapped(step.text, onto)],
        cwd=onto / "build",
        env={**os.environ, "PATH": f"{onto / 'bin'}:{interpreter}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    assert result.returncode == 0, f"{step.text}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the builder stage leaves in /opt/reconciler; the workers of one run share it."""
    place = tmp_path_factory.getbasetemp()
    onto = (place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "image"
    done = onto / "done"
    with onto.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            onto.mkdir()
            build(onto)
            done.touch()
    return onto / "opt" / "reconciler"


def build(onto: Path) -> None:
    for directory in ("build", "bin"):
        (onto / directory).mkdir()
    # The base image's interpreter is called `python`.
    (onto / "bin" / "python").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    actions = {"COPY": copy, "RUN": run}
    for step in stages()[0]:
        if step.keyword in actions:
            actions[step.keyword](step, onto)


def python(built: Path, code: str) -> str:
    return subprocess.run(
        [built / "bin" / "python", "-I", "-c", code],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS,
        check=True,
    ).stdout.strip()


def test_the_image_imports_the_package_and_its_dependencies(built: Path) -> None:
    """The package is imported from the image's environment, with every runtime dependency."""
    imported = python(
        built,
        "import apscheduler, fastapi, prometheus_client, pydantic_settings, pymongo, rich\n"
        "import simplejson, structlog, typer, uvicorn\n"
        "import reconciler; print(reconciler.__file__)",
    )

    assert imported.startswith(str(built))


def test_the_image_has_the_command(built: Path) -> None:
    """The entry point is there, and runs with the image's interpreter."""
    command = (built / "bin" / "reconciler").read_text()

    assert str(built / "bin" / "python") in command


def test_the_image_has_no_tools(built: Path) -> None:
    """No installer, no build backend and no test tool reaches the final stage."""
    found = python(
        built,
        "import importlib.util as u\n"
        "print([n for n in ('pip', 'hatchling', 'pytest', 'mypy', 'fiftyone') if u.find_spec(n)])",
    )

    assert found == "[]"


def test_everything_is_compiled(built: Path) -> None:
    """Nothing is left to compile at run time, where nothing can be written."""
    package = next(built.glob("lib/python3*/site-packages/reconciler"))
    sources = {path.stem for path in package.glob("*.py")}
    compiled = {path.name.split(".")[0] for path in (package / "__pycache__").glob("*.pyc")}

    assert sources <= compiled


def test_the_final_stage_runs_as_a_numbered_user_and_says_how_it_is() -> None:
    """A numeric user that is not root, a health check, and the command as its entry point."""
    final = {step.keyword: step.text for step in stages()[-1]}
    user, group = final["USER"].split(":")

    assert (int(user), int(group)) == (10001, 10001)
    assert "/healthz/ready" in final["HEALTHCHECK"]
    assert final["ENTRYPOINT"] == '["reconciler"]'
    assert final["CMD"] == '["run"]'
    assert final["EXPOSE"] == "8080"
    assert "RUN" not in final


def test_the_image_does_not_start_beyond_loopback_without_tokens(built: Path) -> None:
    """Run as it is, the image says that it needs a token, and ends with exit code 2."""
    final = {step.keyword: step.text for step in stages()[-1]}
    (host,) = re.findall(r"RECONCILER_API__HOST=(\S+)", final["ENV"])
    ran = subprocess.run(
        [built / "bin" / "reconciler", *json.loads(final["CMD"])],
        cwd="/",
        env={"PATH": os.environ["PATH"], "RECONCILER_API__HOST": host},
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )

    assert ran.returncode == 2
    assert "reconciler token new" in ran.stderr


@pytest.mark.parametrize("status, exit_code", [(200, 0), (503, 1)])
def test_the_health_check_asks_whether_the_daemon_is_ready(
    built: Path, status: int, exit_code: int
) -> None:
    """The image's interpreter asks at the port of the settings; what is not ready is a failure."""
    final = {step.keyword: step.text for step in stages()[-1]}
    _, _, command = final["HEALTHCHECK"].partition("CMD ")
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        ran = subprocess.run(
            ["/bin/sh", "-c", command],
            env={
                "PATH": f"{built / 'bin'}:{os.environ['PATH']}",
                "RECONCILER_API__PORT": str(server.server_port),
            },
            timeout=STEP_SECONDS,
            check=False,
        )
        answering.join(STEP_SECONDS)

    assert (ran.returncode, asked) == (exit_code, ["/healthz/ready"])


def test_the_builder_sees_only_what_it_copies() -> None:
    """Each thing that is copied is let through by `.dockerignore`, which starts with nothing."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [
        source
        for step in stages()[0]
        if step.keyword == "COPY"
        for source in shlex.split(step.text)[:-1]
    ]

    assert "*" in lines
    assert {f"!{source}" for source in copied} <= set(lines)
