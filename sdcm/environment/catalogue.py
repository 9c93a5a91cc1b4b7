"""The image catalogue: every image that tests may use, as data in docker/catalogue.toml."""

import hashlib
import json
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sdcm.environment.image_sources.references import Reference
from sdcm.errors import UsageProblem
from sdcm.near_names import did_you_mean

FILE_NAME = "catalogue.toml"
_KEYS = {"reference", "pull", "folder", "needs", "args", "flavour", "bootstrap", "background"}
_FLAVOURS = {"", "scylla", "cassandra"}
# Part of every digest: raise it when the way images are built changes what comes out.
_SCHEME = "1"


@cache
def docker_folder() -> Path:
    """Return the folder with the catalogue and the images' build folders: beside the package, or in a wheel in it.

    Raises:
        UsageProblem: It is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "docker", package / "docker"):
        if (folder / FILE_NAME).is_file():
            return folder
    raise UsageProblem(f"{FILE_NAME} is neither beside nor in {package}", mend="reinstall sct-runner")


@dataclass(frozen=True)
class Entry:
    """One image of the catalogue.

    Attributes:
        name: Its name in the catalogue.
        reference: Local name of the image when it is built here; `pull` where it cannot be built.
        pull: Pinned reference to pull, empty where no registry has it.
        folder: Folder to build it from.
        needs: Build argument -> entry whose image's reference it is given.
        args: Other build arguments.
        flavour: Node flavour inside (`scylla` or `cassandra`), empty for what is no node.
        bootstrap: Debian suite to bootstrap it from on the host, empty for other images.
        background: Its build gives way to everything else that wants a processor.
    """

    name: str
    reference: str
    pull: str = ""
    folder: Path | None = None
    needs: Mapping[str, "Entry"] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    flavour: str = ""
    bootstrap: str = ""
    background: bool = False

    @property
    def is_buildable(self) -> bool:
        """Whether it can be made here, without its registry."""
        return self.folder is not None or bool(self.bootstrap)

    def digest(self) -> str:
        """Return the digest of everything the built image follows from; 64 hexadecimal digits.

        Its folder's files (names, contents, executable bits; no README.md), its arguments, its suite, and the same of
        all it needs.
        """
        total = hashlib.sha256(f"{_SCHEME}\0{self.bootstrap}\0{json.dumps(dict(self.args), sort_keys=True)}".encode())
        for argument, needed in sorted(self.needs.items()):
            total.update(f"\0{argument}={needed.digest()}".encode())
        for name, path in folder_files(self.folder) if self.folder else ():
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            total.update(f"\0{name}\0{is_executable(path)}\0{len(content)}\0".encode() + content)
        return total.hexdigest()


def folder_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a build folder as (name within it, path), sorted; its README.md is not part of it."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (path.is_file() or path.is_symlink()) and name != "README.md" and "__pycache__" not in path.parts:
            yield name, path


def is_executable(path: Path) -> bool:
    """Whether the file's owner may run it."""
    return bool(path.lstat().st_mode & stat.S_IXUSR)


class Catalogue:
    """The images by name."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        """Hold `entries`; `load` reads them from the file."""
        self._entries = dict(entries)

    @classmethod
    def load(cls, path: Path | None = None) -> "Catalogue":
        """Read and check a catalogue.

        Args:
            path: The file, build folders beside it; the project's own when omitted.

        Raises:
            UsageProblem: It cannot be read, or says something wrong; the message names table and key.
        """
        file = path or docker_folder() / FILE_NAME
        try:
            tables = tomllib.loads(file.read_text())
        except (OSError, tomllib.TOMLDecodeError) as exc:
            raise UsageProblem(f"{file} cannot be read", why=str(exc)) from exc
        return cls(_Reader(file, tables).entries())

    def names(self) -> tuple[str, ...]:
        """Return the names, in the file's order."""
        return tuple(self._entries)

    def entry(self, name: str) -> Entry:
        """Return the image of that name.

        Raises:
            UsageProblem: There is none; names near ones.
        """
        if name in self._entries:
            return self._entries[name]
        meant = did_you_mean(name, self._entries, most=3) or f"known: {', '.join(self._entries)}"
        raise UsageProblem(f"no image is called {name!r}", why=meant, mend="sct.py images list")

    def find(self, name_or_reference: str) -> Entry | None:
        """Return the entry that a name or the reference of a built image means; None for a foreign reference.

        Raises:
            UsageProblem: It looks like a name (no `/` and no `:`) and there is none such.
        """
        if name_or_reference in self._entries:
            return self._entries[name_or_reference]
        if "/" not in name_or_reference and ":" not in name_or_reference:
            return self.entry(name_or_reference)
        built = (entry for entry in self._entries.values() if entry.is_buildable)
        return next((entry for entry in built if entry.reference == name_or_reference), None)


class _Reader:
    """Turns the file's tables into entries and complains about the first thing that is wrong."""

    def __init__(self, file: Path, tables: Mapping[str, Any]) -> None:
        self._file = file
        self._tables = tables
        self._done: dict[str, Entry] = {}

    def entries(self) -> dict[str, Entry]:
        return {name: self._entry(name, ()) for name in self._tables}

    def _wrong(self, name: str, text: str) -> UsageProblem:
        return UsageProblem(f"{self._file}: [{name}] {text}")

    def _entry(self, name: str, above: tuple[str, ...]) -> Entry:
        if name in above:
            raise self._wrong(name, f"needs itself: {' -> '.join((*above, name))}")
        if name not in self._done:
            self._done[name] = self._read(name, above)
        return self._done[name]

    def _read(self, name: str, above: tuple[str, ...]) -> Entry:
        table = self._tables[name]
        if not isinstance(table, dict):
            raise self._wrong(name, "is no table")
        for key in table.keys() - _KEYS:
            raise self._wrong(name, f"has the unknown key {key!r} (known: {', '.join(sorted(_KEYS))})")
        pull, folder, bootstrap = (self._text(name, key) for key in ("pull", "folder", "bootstrap"))
        if not (pull or folder or bootstrap):
            raise self._wrong(name, "has none of pull, folder and bootstrap: it cannot be had")
        if folder and bootstrap:
            raise self._wrong(name, "has both folder and bootstrap: name a bootstrapped image in needs instead")
        reference = self._text(name, "reference") or pull
        for key, value in (("reference", reference), ("pull", pull)):
            self._check_pinned(name, key, value)
        flavour = self._text(name, "flavour")
        if flavour not in _FLAVOURS:
            raise self._wrong(name, f"has the flavour {flavour!r}: scylla or cassandra")
        return Entry(
            name,
            reference,
            pull,
            self._folder(name, folder) if folder else None,
            self._needs(name, (*above, name)),
            self._texts(name, "args"),
            flavour,
            bootstrap,
            self._flag(name, "background"),
        )

    def _flag(self, name: str, key: str) -> bool:
        value = self._tables[name].get(key, False)
        if not isinstance(value, bool):
            raise self._wrong(name, f"{key} is neither true nor false")
        return value

    def _text(self, name: str, key: str) -> str:
        value = self._tables[name].get(key, "")
        if not isinstance(value, str):
            raise self._wrong(name, f"{key} is no string")
        return value

    def _texts(self, name: str, key: str) -> dict[str, str]:
        value = self._tables[name].get(key, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self._wrong(name, f"{key} is no table of strings")
        return value

    def _check_pinned(self, name: str, key: str, value: str) -> None:
        if not value:
            if key == "reference":
                raise self._wrong(name, "has no reference")
            return
        if Reference.parse(value).tag == "latest":
            raise self._wrong(name, f"{key} {value!r} is not pinned: give it a version")

    def _folder(self, name: str, folder: str) -> Path:
        path = self._file.parent / folder
        if not (path / "Dockerfile").is_file():
            raise self._wrong(name, f"folder {folder!r} holds no Dockerfile")
        return path

    def _needs(self, name: str, above: tuple[str, ...]) -> dict[str, Entry]:
        needs = {}
        for argument, needed in self._texts(name, "needs").items():
            if needed not in self._tables:
                raise self._wrong(name, f"needs {needed!r}, which is not in the catalogue")
            needs[argument] = self._entry(needed, above)
        return needs
