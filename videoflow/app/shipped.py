"""The configs that come with Videoflow, by bare name."""

from __future__ import annotations

from pathlib import Path

from videoflow.app.spelling import unknown_word
from videoflow.errors import ConfigError
from videoflow.nets.shelf import shelf_folder

__all__ = ["find_config", "shipped_configs"]


def shipped_configs() -> dict[str, Path]:
    """Return the configs that come with Videoflow, by the command that runs each."""
    files = sorted(shelf_folder("configs").glob("*.yaml"))
    return {file.stem.replace("_", "-"): file for file in files}


def find_config(name: str) -> Path:
    """Return the file that ``name`` means: a path that is there, else a config of ours.

    Args:
        name: ``my/flow.yaml``, ``count_people.yaml``, ``count_people`` or ``count-people``.

    Raises:
        ConfigError: Neither.
    """
    if not name:
        raise ConfigError("got an empty name, want a config", help="videoflow --help")
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        raise ConfigError(
            f"{name}: got a folder, want a config file", help="add the name of a file in it"
        )
    if path.exists():
        raise ConfigError(
            f"{name}: got a pipe or a device, want a config file", help="write it to a file"
        )
    shipped = shipped_configs()
    stem = path.stem.replace("_", "-")
    if len(path.parts) == 1 and path.suffix in ("", ".yaml", ".yml") and stem in shipped:
        return shipped[stem]
    if len(path.parts) > 1:
        raise ConfigError(
            f"{name}: no such file",
            help=f"shipped with Videoflow: {', '.join(sorted(shipped))}",
        )
    error = unknown_word("config", name.replace("_", "-"), shipped)
    raise ConfigError(error.message, help=error.help or "or the path of a YAML file")
