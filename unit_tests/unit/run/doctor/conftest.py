import pytest

from sdcm import paths
from sdcm.run.doctor.finding import Machine
from unit_tests.lib.fake_engine import FakeEngine


class Sick:
    """Makes machines with what is wrong with them: a /proc of their own, an engine that only remembers."""

    def __init__(self, folder):
        self.root = folder / "root"
        self.engine = FakeEngine(folder)
        self.environ = {
            "HOME": str(folder / "home"),
            "PATH": "",
            "DOCKER_HOST": self.engine.host,
            **{f"SCT_{name}_DIR": str(folder / name.lower()) for name in ("RUNTIME", "STATE", "CACHE", "ENGINE")},
        }

    def write(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def tells(self, **info):
        """Have the engine say this of itself."""
        self.engine.refusals["GET /info"] = [(200, info)]

    def machine(self, *, uid=0, workers=4, **environ):
        merged = {name: value for name, value in {**self.environ, **environ}.items() if value}
        return Machine(merged, paths.from_environment(merged), self.root, workers, uid)

    def finds(self, cause, subject, **machine):
        """Return what a cause finds of a subject."""
        (found,) = [finding for finding in cause(self.machine(**machine)) if finding.subject == subject]
        return found


@pytest.fixture
def sick(tmp_path_factory):
    machine = Sick(tmp_path_factory.mktemp("d"))
    yield machine
    machine.engine.close()
