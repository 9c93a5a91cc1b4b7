"""What of a project goes into the image that its shards start from."""

import tarfile

from sdcm.environment import runner_image as module
from sdcm.environment.engine import Engine
from sdcm.environment.image_layer import Layers
from sdcm.environment.runner_image import _archive, runner_image, source_files
from sdcm.ownership.ledger import Ledger
from sdcm.process_identity import identify
from unit_tests.lib.fake_step import FakeStep


def project_of(tmp_path):
    for name in ("pyproject.toml", "sdcm/a.py", ".venv/lib/x.py", "sdcm/__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("sdcm/a.py")
    (tmp_path / "sdcm" / "a.py").chmod(0o755)
    return tmp_path


def test_a_project_without_git_gives_what_is_source(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    names = [name.as_posix() for name in source_files(project_of(tmp_path))]
    assert names == ["link", "pyproject.toml", "sdcm/a.py"]


def test_the_same_files_make_the_same_context(tmp_path):
    project = project_of(tmp_path)
    files = [project.relative_to(project) / name for name in ("link", "sdcm/a.py")]
    first = _archive("project", project, "project", files).getvalue()
    (project / "sdcm" / "a.py").touch()
    again = _archive("project", project, "project", files)
    assert again.getvalue() == first
    with tarfile.open(fileobj=again) as tar:
        assert "FROM" in tar.extractfile("Dockerfile").read().decode()
        assert tar.getmember("project/link").linkname == "sdcm/a.py"
        assert tar.getmember("project/sdcm/a.py").mode & 0o100
        assert tar.extractfile("project/sdcm/a.py").read() == b"sdcm/a.py"


def test_the_source_is_that_of_the_runs_begin_whatever_is_edited_meanwhile(tmp_path, monkeypatch):
    project, built = project_of(tmp_path), []
    monkeypatch.setattr(module, "_dependencies", lambda *_: (project / "sdcm" / "a.py").write_text("edited"))
    monkeypatch.setattr(Layers, "build", lambda _layers, _entry, _base, archive: built.append(archive))
    ledger = Ledger(tmp_path / "state", "0a1b2c3d", identify())
    engine = Engine("unix:///nowhere", private=False)
    runner_image(engine, None, project, run_id="0a1b2c3d", ledger=ledger, step=FakeStep(tmp_path))
    with tarfile.open(fileobj=built[0]) as tar:
        assert tar.extractfile("project/sdcm/a.py").read() == b"sdcm/a.py"
    assert [entry.name for entry in ledger.entries()] == ["sct/runner-project:0a1b2c3d"]
