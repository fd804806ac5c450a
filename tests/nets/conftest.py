from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from videoflow.nets.card import ModelCard, load_card
from videoflow.nets.weights import CACHE_VARIABLE, WEIGHTS_VARIABLE


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    # Threads that wait for each other are slow where other processes want the processor too.
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache folder of the test's own, and no folder with weights."""
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def content() -> bytes:
    return b"trained numbers" * 100_000


@pytest.fixture
def card(content: bytes, tmp_path: Path) -> ModelCard:
    """A card whose weights are ``content``, to be had from a file."""
    origin = tmp_path / "origin.onnx"
    origin.write_bytes(content)
    real = load_card("yolox_nano")
    sha256 = hashlib.sha256(content).hexdigest()
    weights = real.weights.model_copy(
        update={"file": "small.onnx", "sha256": sha256, "url": origin.as_uri()}
    )
    return real.model_copy(update={"weights": weights})
