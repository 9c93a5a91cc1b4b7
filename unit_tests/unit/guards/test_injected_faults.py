"""Each step of set-up and teardown that the source has is broken in a run of the acceptance tests."""

import ast
import re
from pathlib import Path

import sdcm
from sdcm.ownership import removers
from unit_tests.lib import injected_faults

ROOT = Path(sdcm.__file__).parent
#: What journals a step -> place of the step's name among its arguments.
JOURNALS = {"note_failure": 1, "note_in_run": 0}


def calls(tree, *names):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names
    ]


def assigned(tree, name):
    """Return what is assigned to a name, wherever that is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            return node.value
    return None


def imported(tree, name):
    """Return the source file that a name is taken from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            return ROOT.parent / (node.module.replace(".", "/") + ".py")
    return None


def name_of(node, tree):
    """Return a step's name with `*` for what differs, None for one that a caller gives."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # f"...".strip()
        return name_of(node.func.value, tree)
    name = ast.unparse(node)
    if (value := assigned(tree, name)) is not None:
        return name_of(value, tree)
    file = imported(tree, name)
    assert file or name == "name", f"what is {name}?"
    return name_of(assigned(parsed(file), name), tree) if file else None


def parsed(file):
    return ast.parse(file.read_text())


def journalled_steps(root):
    """Return the names of the steps that the journal tells of."""
    found = set()
    for file in root.rglob("*.py"):
        text = file.read_text()
        if not re.search(r"graph\.step\(|note_failure\(|note_in_run\(", text):
            continue
        tree = ast.parse(text)
        nodes = [call.args[0] for call in calls(tree, "step") if "graph" in ast.unparse(call.func)]
        nodes += [call.args[place] for journal, place in JOURNALS.items() for call in calls(tree, journal)]
        found |= {name_of(node, tree) for node in nodes} - {None}
    return {f"step {name}" for name in found}


def what_is_called(node):
    return ast.unparse(node.func if isinstance(node, ast.Call) else node)


def stages():
    """Return a run's stages, and what they leave to be closed."""
    pipeline = parsed(ROOT / "run/pipeline.py")
    orders = [assigned_with_type(pipeline, name) for name in ("STAGES", "STAGES_ELSEWHERE")]
    found = {ast.unparse(stage).rpartition(".")[2] for order in orders for stage in order.elts}
    for file in ("pipeline", "services", "tests", "on_kubernetes/stage"):
        closed = calls(parsed(ROOT / f"run/{file}.py"), "callback", "enter_context")
        found |= {what_is_called(call.args[0]) for call in closed}
    return {f"stage {name}" for name in found}


def assigned_with_type(tree, name):
    (value,) = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name
    ]
    return value


def end_steps():
    """Return what the broker does at its end."""
    return {f"end {ast.unparse(call.args[0])}" for call in calls(parsed(ROOT / "run/broker_process.py"), "callback")}


def requests():
    """Return what the broker is asked for."""
    handlers = assigned_with_type(parsed(ROOT / "broker/desk.py"), "self._handlers")
    return {f"request {key.value}" for key in handlers.keys}


def removals():
    """Return the kinds of things that teardown removes, but for those in clouds."""
    tree = parsed(ROOT / "run/teardown.py")
    own = [kind_of(key, tree) for key in assigned(tree, "extra").keys]
    return {f"removal {kind}" for kind in (*removers.removers(), *own)}


def kind_of(key, tree):
    """Return a kind of what is removed, also where a module that the file imports has the word."""
    if isinstance(key, ast.Constant):
        return key.value
    module, _, name = ast.unparse(key).rpartition(".")
    return assigned(parsed(imported(tree, module).with_suffix("") / f"{module}.py"), name).value


def test_every_step_is_broken_in_a_run_or_has_a_reason_not_to_be():
    found = journalled_steps(ROOT) | stages() | end_steps() | requests() | removals()
    known = set(injected_faults.STEPS_OF_THE_PRODUCT) | set(injected_faults.NOT_BROKEN)
    assert found == known, "unit_tests/lib/injected_faults.py is to tell of each, and of nothing else"


def test_the_fault_of_every_step_is_in_a_run():
    assert set(injected_faults.STEPS_OF_THE_PRODUCT.values()) <= set(injected_faults.ALL)


def test_a_new_step_is_found(tmp_path):
    (tmp_path / "new.py").write_text(
        "STEP = 'of a worker'\n"
        "def bring_up(self, journal, exc):\n"
        "    self._graph.step(f'volume {name}', make, deadline=1.0)\n"
        "    note_failure(journal, STEP, exc)\n"
    )
    assert journalled_steps(tmp_path) == {"step volume *", "step of a worker"}
