"""The snippets of the pages: what stands in fences, and what is said to come out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(
    r"(?P<measured><!-- measured -->\n)?^```(?P<language>[\w-]*)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
_FILE_NAME = re.compile(r"# ([\w./-]+\.\w+)\n")
_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True)
class Promise:
    """What a page says that a snippet prints.

    Attributes:
        text: Lines that follow each other; ``...`` alone on a line stands for any others.
        is_measured: Numbers, and what is widest or slowest, are those of one machine.
    """

    text: str
    is_measured: bool

    def is_kept_by(self, printed: str) -> bool:
        """Say whether these lines are among those that were printed."""
        wanted, came = (self._comparable(text) for text in (self.text, printed))
        parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", wanted, flags=re.M)]
        return re.search("^" + r"(?:.*\n)*?".join(parts), came, re.M) is not None

    def _comparable(self, text: str) -> str:
        lines = (line.rstrip() for line in text.splitlines())
        if self.is_measured:
            lines = (_without_measures(line) for line in lines)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Snippet:
    """A block of code of a page.

    Attributes:
        page: Where it stands.
        number: Its place among the blocks of its page and language, from 1.
        language: As the fence says.
        text: What a reader copies.
        promises: The ``text`` blocks behind it, up to the next thing that can be run.
    """

    page: Path
    number: int
    language: str
    text: str
    promises: tuple[Promise, ...]

    @property
    def id(self) -> str:
        """For the list of tests."""
        return f"{self.page.stem}-{self.language}-{self.number}"

    @property
    def file_name(self) -> str | None:
        """The file that it is, where its first line says so: ``# people.yaml``."""
        named = _FILE_NAME.match(self.text)
        return named[1] if named else None


def snippets(page: Path, language: str | None = None) -> list[Snippet]:
    """Return the snippets of a page, in its order; all, or those in one language."""
    blocks = list(_FENCE.finditer(page.read_text()))
    found: list[Snippet] = []
    for index, block in enumerate(blocks):
        if block["language"] == "text":
            continue
        promises = []
        for later in blocks[index + 1 :]:
            if later["language"] in ("bash", "python"):
                break
            if later["language"] == "text":
                promises.append(Promise(later["text"], is_measured=bool(later["measured"])))
        number = sum(other.language == block["language"] for other in found) + 1
        can_be_run = block["language"] in ("bash", "python")
        found.append(
            Snippet(
                page,
                number,
                block["language"],
                block["text"],
                tuple(promises) if can_be_run else (),
            )
        )
    return [one for one in found if language in (None, one.language)]


def num_fences(page: Path) -> int:
    """Return how many lines of a page begin or end a block, wherever they stand."""
    return len(re.findall(r"^\s*(?:```|~~~)", page.read_text(), re.M))


def num_blocks(page: Path) -> int:
    """Return how many blocks of a page were understood, those in ``text`` among them."""
    return len(_FENCE.findall(page.read_text()))


def _without_measures(line: str) -> str:
    masked = _NUMBER.sub("#", line.replace("<- bottleneck", "").replace("threads", "thread"))
    return " ".join(masked.split())
