"""A YAML file of settings inside a container: looked at, and written when it was changed."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml

from sdcm.containers import archive
from sdcm.errors import UsageProblem

if TYPE_CHECKING:
    from docker.models.containers import Container as EngineContainer


class Settings(dict[str, Any]):
    """The settings of a file; a key is an attribute too: `settings.num_tokens = 4`."""

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"no setting {key}") from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __delattr__(self, key: str) -> None:
        del self[key]


def read(container: "EngineContainer", path: str) -> tuple[Settings, archive.FileCopy]:
    """Return a file's settings, and the file with its owner and permissions.

    Raises:
        UsageProblem: There is no such file.
        docker.errors.APIError: The engine refused.
    """
    from docker.errors import NotFound

    try:
        chunks, _ = container.get_archive(path)
    except NotFound as exc:
        raise UsageProblem(f"{container.name} has no {path}", why="it is not an image of that flavour") from exc
    data, info = archive.first_file(chunks)
    return Settings(yaml.safe_load(data) or {}), archive.FileCopy(path, data, info.mode, info.uid, info.gid)


def with_settings(file: archive.FileCopy, settings: dict[str, Any]) -> archive.FileCopy:
    """Return the file with other settings; owner and permissions stay."""
    text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    return archive.FileCopy(file.path, text.encode(), file.mode, file.uid, file.gid)


@contextlib.contextmanager
def edited(container: "EngineContainer", path: str) -> Iterator[Settings]:
    """Give a file's settings for the time of a block, and write what the block changed.

    Keys that it left alone keep what the file says by then; nothing is written when nothing changed or the block
    raised. Works on a stopped container too.

    Raises:
        UsageProblem: There is no such file.
        docker.errors.APIError: The engine refused.
    """
    before, _ = read(container, path)
    settings, _ = read(container, path)
    yield settings
    changed = {key: value for key, value in settings.items() if key not in before or before[key] != value}
    removed = set(before) - set(settings)
    if not changed and not removed:
        return
    now, file = read(container, path)
    kept = {key: value for key, value in now.items() if key not in removed}
    container.put_archive("/", archive.of_copies([with_settings(file, {**kept, **changed})]))
