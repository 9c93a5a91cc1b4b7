"""A hook of MkDocs: links to files of the repository that are no pages of the site.

In the repository they lead to the file; on the site they become the file's path, for there is nothing to lead to. A
link that leads nowhere in the repository stays as it is, so that a strict build fails on it.
"""

import re
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]*(?:\n[^\]\n]*)?)\]\((?P<target>[^)#\s]+)(?:#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, files: Any, **_: Any) -> str:
    """Return the page's text without links to what is no page."""
    folder = Path(page.file.abs_src_path).parent

    def replaced(match: re.Match[str]) -> str:
        target = match["target"]
        if re.match(r"[a-z]+:", target):
            return match[0]
        path = (folder / target).resolve()
        is_page = any(file.abs_src_path and Path(file.abs_src_path) == path for file in files)
        if is_page or not path.exists() or not path.is_relative_to(_ROOT):
            return match[0]
        shown = f"`{path.relative_to(_ROOT)}`"
        return shown if match["text"].strip("`") in shown else f"{match['text']} ({shown})"

    return _LINK.sub(replaced, markdown)
