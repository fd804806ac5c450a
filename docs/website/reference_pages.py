"""A page for each public package, which mkdocstrings fills from the docstrings.

What is public is read from the sources, without importing them: the names in an ``__all__``.
"""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["identifiers", "public_modules", "reference_pages"]

INTERNAL = {"app", "runtime"}
"""Parts that are reached through others: the command line, and ``Flow``."""

MORE = ("errors", "processors/aggregators")
"""Modules whose names users import although no package hands them on."""

HEAD = """# Reference

What a class or a function takes, gives and refuses, from its docstring.
Whatever stands here can be imported from the module under whose name it stands.

"""


def public_modules(root: Path) -> dict[str, list[str]]:
    """Return the public packages and modules, each with what its page shows.

    Most packages show themselves; one that hands no names on shows its modules.
    """
    package = root / "videoflow"
    found: dict[str, list[str]] = {}
    for init in sorted(package.glob("*/**/__init__.py")):
        parts = init.parent.relative_to(package).parts
        if parts[0] in INTERNAL:
            continue
        if _names(init):
            found[_dotted(init.parent, root)] = [_dotted(init.parent, root)]
        else:
            modules = [path for path in sorted(init.parent.glob("[!_]*.py")) if _names(path)]
            found[_dotted(init.parent, root)] = [_dotted(path, root) for path in modules]
    for name in MORE:
        module = _dotted(package / name, root)
        found[module] = [module]
    return {module: shown for module, shown in sorted(found.items()) if shown}


def reference_pages(root: Path) -> dict[str, str]:
    """Return the reference: an index, and a page for each public package, by their paths."""
    pages = {}
    lines = ["- [Commands](commands.md): what each command says with `--help`."]
    for module, shown in public_modules(root).items():
        lead = _docstring(root, module)
        first = " ".join(lead.partition("\n\n")[0].split())
        lines.append(f"- [`{module}`]({module}.md): {first}")
        if shown == [module]:
            body = f"::: {module}"
        else:
            parts = (f"::: {one}\n    options:\n      heading_level: 2" for one in shown)
            body = "\n\n".join([f"# `{module}`", lead, *parts])
        pages[f"reference/{module}.md"] = f"---\ntitle: {module}\n---\n\n{body}\n"
    pages["reference/index.md"] = HEAD + "\n".join(lines) + "\n"
    return pages


def identifiers(root: Path) -> dict[str, str]:
    """Return where each public class is described: its name and its identifier.

    A name that two modules have is left out.
    """
    found: dict[str, list[str]] = {}
    for shown in public_modules(root).values():
        for module in shown:
            for name in _names(_file(root, module)):
                if name[:1].isupper() and not name.isupper():
                    found.setdefault(name, []).append(f"{module}.{name}")
    return {name: places[0] for name, places in found.items() if len(places) == 1}


def _dotted(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts)


def _file(root: Path, module: str) -> Path:
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _docstring(root: Path, module: str) -> str:
    return ast.get_docstring(ast.parse(_file(root, module).read_text())) or ""


def _names(file: Path) -> list[str]:
    """Return the names in a module's ``__all__``."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []
