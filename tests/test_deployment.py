"""What the files of ``examples/deploy/`` say is what the code does."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import tomllib
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clips import write_clip
from videoflow.app.config import read_config
from videoflow.app.exit_codes import WRONG_INPUT
from videoflow.app.termination import TERMINATED
from videoflow.nets.weights import CACHE_VARIABLE, WEIGHTS_VARIABLE
from videoflow.producers import VideoFileReader
from videoflow.video.nvdec import LIBRARIES

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "examples" / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CAMERA = "rtsp://camera.local/stream"

Instruction = tuple[str, str]


@pytest.fixture
def image() -> list[Instruction]:
    """Return the instructions of the container file: a word and what it is told."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.M)
    lines = (line.split(" ", 1) for line in text.replace("\\\n", " ").splitlines() if line)
    return [(word, told.strip()) for word, told in lines]


@pytest.fixture
def compose() -> dict[str, Any]:
    """Return the services and volumes."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


@pytest.fixture
def unit() -> ConfigParser:
    """Return the sections of the unit."""
    parser = ConfigParser(interpolation=None)
    parser.read(DEPLOY / "videoflow-door.service")
    return parser


def told(image: list[Instruction], word: str) -> list[str]:
    """Return what all instructions of a kind are told."""
    return [text for kind, text in image if kind == word]


def environment(image: list[Instruction]) -> dict[str, str]:
    """Return the variables that the image sets."""
    pairs = shlex.split(" ".join(told(image, "ENV")))
    return dict(pair.split("=", 1) for pair in pairs)


def test_the_python_of_the_image_is_the_one_of_the_checks(image: list[Instruction]) -> None:
    """Both stages have one Python, the oldest that the project takes and its types mean."""
    versions = {re.findall(r"python:(\d+\.\d+)-slim", text)[0] for text in told(image, "FROM")}

    assert versions == {PROJECT["tool"]["mypy"]["python_version"]}
    assert PROJECT["project"]["requires-python"] == f">={versions.pop()}"


def test_the_wheel_is_made_of_what_it_needs(image: list[Instruction]) -> None:
    """What is copied is there, is let through, and is all that the build reads."""
    copied = {name for text in told(image, "COPY") for name in text.split()[:-1]}
    ignore = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}

    assert copied == needed | {"pyproject.toml", *wheel["packages"], *wheel["force-include"]}
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_what_is_installed_is_what_the_project_names(image: list[Instruction]) -> None:
    """Torch comes in the project's versions, and the extras are its own."""
    (torch,) = [text for text in told(image, "RUN") if "TORCH_INDEX" in text]
    arguments = dict(text.split("=", 1) for text in told(image, "ARG"))
    extras = set(arguments["EXTRAS"].split(","))

    assert set(re.findall(r'"(torch.*?)"', torch)) == {
        name for name in PROJECT["project"]["dependencies"] if name.startswith("torch")
    }
    assert extras <= set(PROJECT["project"]["optional-dependencies"])


def test_the_image_asks_for_the_libraries_that_decode(image: list[Instruction]) -> None:
    """The toolkit is asked for what the doctor says is needed, and weights are in a volume."""
    variables = environment(image)
    advised = re.findall(r"NVIDIA_DRIVER_CAPABILITIES=([\w,]+)", " ".join(LIBRARIES.values()))

    assert advised
    assert all(
        set(names.split(",")) == set(variables["NVIDIA_DRIVER_CAPABILITIES"].split(","))
        for names in advised
    )
    (volumes,) = told(image, "VOLUME")
    assert {variables[WEIGHTS_VARIABLE], variables[CACHE_VARIABLE]} < set(json.loads(volumes))


def test_the_command_gets_the_signals_and_no_rights(image: list[Instruction]) -> None:
    """The entry point is the project's script, without a shell, for a user that is not root."""
    (entry,) = told(image, "ENTRYPOINT")
    (user,) = told(image, "USER")

    assert json.loads(entry) == list(PROJECT["project"]["scripts"])
    assert int(user) > 0


def test_the_services_are_made_of_what_is_there(
    compose: dict[str, Any], image: list[Instruction]
) -> None:
    """Files, folders and capabilities are those of the image and of this folder."""
    door = compose["services"]["door"]
    mounted = [volume.split(":") for volume in door["volumes"]]
    (device,) = door["deploy"]["resources"]["reservations"]["devices"]

    assert (DEPLOY / door["build"]["context"] / door["build"]["dockerfile"]).is_file()
    assert all(
        (DEPLOY / source).is_file() if source.startswith(".") else source in compose["volumes"]
        for source, *_ in mounted
    )
    asked = set(environment(image)["NVIDIA_DRIVER_CAPABILITIES"].split(","))
    assert set(device["capabilities"]) == asked | {"gpu"}
    assert door["init"]
    assert door["read_only"]


def test_the_commands_of_services_are_commands(
    compose: dict[str, Any], unit: ConfigParser
) -> None:
    """Compose and systemd run the flow of this folder with a camera."""
    door = compose["services"]["door"]["command"]
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    flow = read_config(DEPLOY / "door.yaml", {"camera": CAMERA}).build()

    assert flow["camera"].name == "camera"
    assert door == ["run", "/flows/door.yaml", f"${{CAMERA:-{CAMERA}}}"]
    assert [Path(program).name] == list(PROJECT["project"]["scripts"])
    assert words[0] == "run"
    assert Path(words[1]).name == "door.yaml"
    assert words[2:4] == [CAMERA, "--out"]


def test_systemd_knows_the_exit_codes(unit: ConfigParser) -> None:
    """A stop is no failure, and what is wrong is not tried again."""
    service = unit["Service"]

    assert int(service["SuccessExitStatus"]) == TERMINATED
    assert int(service["RestartPreventExitStatus"]) == WRONG_INPUT


def test_the_flow_leaves_rows_and_a_sign_of_life(
    compose: dict[str, Any], tmp_path: Path, weights: Path
) -> None:
    """Fed with a film, the flow writes the files that its comment and the health check name."""
    film = VideoFileReader(write_clip(tmp_path / "film.mp4"), stream="door", name="camera")
    config = read_config(DEPLOY / "door.yaml", {"camera": CAMERA, "out": str(tmp_path)})
    flow = config.build()
    flow.replace("camera", film)

    report = flow.run().join()

    assert report.ending == "finished"
    (asked,) = re.findall(
        r"find /out/(\S+)", compose["services"]["door"]["healthcheck"]["test"][1]
    )
    assert (tmp_path / asked).is_file()
    with closing(sqlite3.connect(tmp_path / "people.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
