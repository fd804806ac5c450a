"""What MkDocs calls: the pages of the repository become files of the site."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

from docs.website.pages import all_pages, expand


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the pages in place of the files as they are, and their names into the navigation."""
    root = Path(config.config_file_path).parent
    pages = all_pages(root)
    for path, text in pages.items():
        written = files.get_file_from_path(path)
        if written:
            files.remove(written)
        # What is only shown may be reached by links alone; what is written may not.
        inclusion = InclusionLevel.UNDEFINED if written else InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, path, content=text, inclusion=inclusion))
    style = str(root / "docs" / "website" / "style.css")
    files.append(File.generated(config, "style.css", abs_src_path=style))
    config.nav = expand(config.nav or [], list(pages))
    return files
