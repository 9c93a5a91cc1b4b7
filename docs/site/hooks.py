"""Hooks of MkDocs: links to files that are no pages, what a search finds first, code that is not broken.

A link to a file of the repository that is no page leads to the file in the repository; on the site it becomes the
file's path, for there is nothing to lead to. One that leads nowhere in the repository stays as it is, so that a strict
build fails on it.
"""

import re
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]*(?:\n[^\]\n]*)?)\]\((?P<target>[^)#\s]+)(?:#[^)\s]*)?\)")
#: A page's folder, to how much more or less what it says counts in a search: who searches wants to do something.
_RANK = {"guides": 4.0, "design": 0.5, "decisions": 0.25}
#: An option, a name: what has no newline, which blocks of code end with.
_SHORT_CODE = re.compile(r"<code>([^<\n]{1,24})</code>")

_CELL = re.compile(r"<td>.*?</td>", re.DOTALL)


def on_page_markdown(markdown: str, *, page: Any, files: Any, **_: Any) -> str:
    """Return the page's text without links to what is no page, and say how it ranks in a search."""
    page.meta.setdefault("search", {"boost": _RANK.get(Path(page.file.src_uri).parent.name, 1.0)})
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


def on_page_content(html: str, **_: Any) -> str:
    """Return the page with the mark on short pieces of code that `site.css` keeps on one line.

    A bar within code within a table is escaped for GitHub; Python's Markdown would show the backslash.
    """
    html = _CELL.sub(lambda match: match[0].replace(r"\|", "|"), html)
    return _SHORT_CODE.sub(r'<code class="short">\1</code>', html)
