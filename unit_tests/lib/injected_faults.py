"""Every step of set-up and teardown, and the function that is made to raise in it.

The product has no hook for this: `BREAKER` is a `sitecustomize` on the PYTHONPATH of a run. In whichever process of it
loads a module, it replaces functions by ones that raise on their first call.

A fault is written `module:Qualified.name`; `module:Qualified.name(word)` stands for the first call with that argument,
or in a process with that word on its command line.
"""

BREAKER = """
import importlib.abc
import importlib.util
import os
import re
import sys

WANTED = {}
for each in filter(None, os.environ.get("BREAK", "").split(",")):
    module, path, argument = re.fullmatch(r"([^:]+):([^(]+)(?:\\((.+)\\))?", each).groups()
    WANTED.setdefault(module, []).append((path, argument, each.replace("/", "-")))


def patch(module, path, argument, mark):
    *owners, name = path.split(".")
    owner = module
    for each in owners:
        owner = getattr(owner, each)
    original = getattr(owner, name)
    mark = os.path.join(os.environ["BREAK_MARKS"], mark)

    def broken(*args, **kwargs):
        if argument is not None and argument not in (*args, *sys.orig_argv):
            return original(*args, **kwargs)
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return original(*args, **kwargs)
        raise RuntimeError("injected")

    # Tracebacks show it as what it stands for.
    broken.__code__ = broken.__code__.replace(co_name=name, co_filename=module.__file__)
    broken.__qualname__, broken.__name__ = path, name
    is_static = isinstance(vars(owner).get(name), staticmethod)
    setattr(owner, name, staticmethod(broken) if is_static else broken)


class Loader:
    def __init__(self, loader, faults):
        self.loader, self.faults = loader, faults

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def exec_module(self, module):
        self.loader.exec_module(module)
        for fault in self.faults:
            patch(module, *fault)


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name not in WANTED:
            return None
        faults = WANTED.pop(name)
        spec = importlib.util.find_spec(name)
        spec.loader = Loader(spec.loader, faults)
        return spec


class Finders(list):
    def insert(self, place, finder):  # pytest's, which rewrites assertions, comes after ours
        super().insert(max(place, 1), finder)


sys.meta_path = Finders([Finder(), *sys.meta_path])
"""

# -- what breaks in which plan ----------------------------------------------------------------------------------------

#: What names a removal that failed once: nobody need act on it, so only the journal tells, and not of the function.
TRIED_AGAIN = '"event":"removal-failed"'
#: In every run, whatever it runs: a defect of the runner's own (70).
IN_EVERY_RUN = (
    "sdcm.run.report_files:settle",
    "sdcm.broker.runs:claim",
    "sdcm.run.tests:display_of",
    "sdcm.run.host_load:sampled",
    "sdcm.run.display:JournalDisplay.for_pytest",
    "sdcm.run.pytest_session:PytestSession.kill",
    "sdcm.run.report:finish",
    "sdcm.run.report_files:write_all",
    "sdcm.reporters.junit:write_junit",
    "sdcm.broker.runs:forget_old_runs",
    "sdcm.bytecode:drop_stale",
)
#: In the runner, around a plan that needs an engine: a defect of its own (70).
IN_THE_RUNNER = (
    "sdcm.run.selection:collect",
    "sdcm.run.plan:make_plan",
    "sdcm.cloud.probes:probe",
    "sdcm.broker.opener:OpenBroker._start",
    "sdcm.run.pytest_session:PytestSession.__init__",
    "sdcm.run.services:adopt",
    "sdcm.run.teardown:end_strays",
    "sdcm.run.services:end",
)
#: In the runner, where pytest collects and goes on, both in one run: the last is the defect that it ends with (70).
IN_ONE_PYTEST = ("sdcm.run.one_pytest:OnePytest.go_on", "sdcm.run.one_pytest:OnePytest.close")
#: In the broker, each the end of a run (75) -> what names it.
IN_THE_BROKER = {
    "sdcm.broker.server:Server.__init__": "broker failed",
    "sdcm.broker.leaks:LeakWatch.start": "step engine failed",
}
#: What the broker does at its end, all of them in one run (75) -> what names it.
AT_THE_END = {
    "sdcm.broker.server:Server.close": "end: Server.close failed",
    "sdcm.broker.gate:Gate.close": "end: Gate.close failed",
    "sdcm.broker.leak_desk:LeakDesk.close": "end: LeakDesk.close failed",
    "sdcm.broker.desk:BrokerDesk.close": "end: BrokerDesk.close failed",
    "sdcm.environment.graph:Graph.close": "end: Graph.close failed",
    "sdcm.run.services_up:ServicesUp.let_go_of_engine": "end: ServicesUp.let_go_of_engine failed",
    "sdcm.ownership.removers:remove": "end: tear_down failed",
    # The runner looks for killed runs, too.
    "sdcm.run.report_files:write_for_dead(sdcm.run.broker_process)": "end: write_for_dead failed",
}
#: Removals, all of them in one run (0) -> what names it: each is tried again.
REMOVALS = {
    f"sdcm.ownership.removers:{remover}": TRIED_AGAIN
    for remover in ("_end_process", "_remove_object", "_remove_labelled", "remove_directory")
}
#: On the way to what tests ask for, and back, all of them in one run without a cluster (75) -> what names it.
ON_THE_WAY = {
    "sdcm.broker.desk:BrokerDesk._adopt": "the broker failed on `adopt`",
    "sdcm.broker.leak_desk:LeakDesk.take": "verdict on leaks FAILED",
    "sdcm.broker.desk:BrokerDesk._wait": "the broker failed on `wait`",
    "sdcm.broker.node_pool:NodePool.lease": "the broker failed on `node`",
    "sdcm.broker.nodes:NodeMaker._boot": "the broker failed on `node`",
    "sdcm.containers.launch:await_node": "the broker failed on `node`",
    "sdcm.broker.containers:ContainerMaker.make": "the broker failed on `container`",
    "sdcm.broker.leases:Leases.grant": "the broker failed on `container`",
    "sdcm.broker.desk:BrokerDesk._release": "the broker failed on `release`",
    "sdcm.broker.desk:BrokerDesk._image": "the broker failed on `image`",
    "sdcm.containers.kafka:KafkaCluster.begin": "ERROR at setup of test_kafka",
    "sdcm.pytest_plugin.alternator_fixtures:_await": "ERROR at setup of test_alternator",
    "sdcm.run.cluster_steps:ClusterSteps._probe_privileged": "step privileged failed",
    "sdcm.broker.desk:BrokerDesk._unneeded": "the broker failed on `unneeded`",
    "sdcm.scheduling.durations:note": "durations failed",
}
#: Steps that a cluster and nodes stand on, all of them in one run that makes neither (75) -> what names it.
STEPS = {
    "sdcm.run.engine_steps:EngineSteps._make_network": "step network failed",
    "sdcm.run.engine_steps:EngineSteps._choose_flavour": "step flavour failed",
    "sdcm.environment.images:Images.ensure(kafka)": "step image kafka failed",
    "sdcm.environment.images:Images.ensure(kind-node)": "step image kind-node failed",
    "sdcm.environment.kind_binary:ensure_kind_binary": "step kind failed",
}
#: While a cluster is made, each in a run that ends before there is one (75).
CLUSTER = {
    "sdcm.environment.kind:_make_network": "step cluster failed",
    "sdcm.environment.kind:_run_kind": "step cluster failed",
}
#: On a cluster, all of them in one run (75) -> what names it, on screen or in the journal.
ON_A_CLUSTER = {
    "sdcm.environment.kind_images:load_image": "step load cassandra failed",
    "sdcm.run.cluster_steps:ClusterSteps._remove": "step cluster removal failed",
    "sdcm.ownership.removers:_remove_kind_cluster": TRIED_AGAIN,
}
#: On the user's cluster and in a cloud, all of them in one run without an engine (75) -> what names it.
ELSEWHERE = {
    "sdcm.broker.desk:BrokerDesk._hello": "the broker failed on `hello`",
    "sdcm.kubernetes.namespaces:make_namespace": "the broker failed on `namespace`",
    "sdcm.run.cluster_steps:ClusterSteps._pullable": "step load kafka failed",
    "sdcm.kubernetes.namespaces:remove_namespace": TRIED_AGAIN,
    "sdcm.run.teardown:_remove_namespace": TRIED_AGAIN,
    "sdcm.broker.desk:BrokerDesk._own": "the broker failed on `own`",
    "sdcm.broker.desk:BrokerDesk._disown": "the broker failed on `disown`",
}
#: In the runner, where tests run as pods of a cluster: a defect of its own (70).
AROUND_PODS = ("sdcm.run.on_kubernetes.stage:submit", "sdcm.run.on_kubernetes.stage:follow")
#: On the way to these pods, each the end of a run that needs no engine (75) -> what names it.
TO_PODS = {
    "sdcm.run.on_kubernetes.steps:ShardSteps._require": "step access failed",
    "sdcm.kubernetes.job_place:submit": "step job failed",
}
#: What is removed of them then.
PODS_AWAY = {"sdcm.run.teardown:_clear_job": TRIED_AGAIN}
#: On the way of their image into a Kind cluster, each the end of a run (75) -> what names it.
TO_IMAGE_OF_PODS = {
    "sdcm.environment.images:Images.ensure(runner)": "step runner base failed",
    "sdcm.environment.runner_image:runner_image": "step runner image failed",
    "sdcm.environment.kind_nodes:load_image": "step delivery failed",
}
#: What is removed of it after the last of them.
IMAGE_OF_PODS_AWAY = {
    "sdcm.ownership.removers:_remove_image": TRIED_AGAIN,
    "sdcm.environment.kind_nodes:unload": TRIED_AGAIN,
}
ALL = (
    *IN_EVERY_RUN,
    *IN_THE_RUNNER,
    *IN_ONE_PYTEST,
    *IN_THE_BROKER,
    *AT_THE_END,
    *REMOVALS,
    *ON_THE_WAY,
    *STEPS,
    *CLUSTER,
    *ON_A_CLUSTER,
    *ELSEWHERE,
    *AROUND_PODS,
    *TO_PODS,
    *PODS_AWAY,
    *TO_IMAGE_OF_PODS,
    *IMAGE_OF_PODS_AWAY,
)


def defect_in(fault: str) -> str:
    """Return how the runner names the function of a fault that it ends with."""
    module, _, path = fault.partition(":")
    return f"in {path.rpartition('.')[2]} ({module.replace('.', '/')}.py)"


# -- where it breaks each step that the product has -------------------------------------------------------------------

#: Stages of a run, and what they leave to be done at its end.
BY_STAGE = {
    "select": "sdcm.run.selection:collect",
    "plan": "sdcm.run.plan:make_plan",
    "bring_up": "sdcm.broker.opener:OpenBroker._start",
    "run_tests": "sdcm.run.pytest_session:PytestSession.__init__",
    "submit_shards": "sdcm.run.on_kubernetes.stage:submit",
    "follow_shards": "sdcm.run.on_kubernetes.stage:follow",
    "end": "sdcm.run.services:end",
    "services.end": "sdcm.run.services:end",
    "bytecode.drop_stale": "sdcm.bytecode:drop_stale",
    "host_load.sampled": "sdcm.run.host_load:sampled",
    "one.close": "sdcm.run.one_pytest:OnePytest.close",
    "run.display.for_pytest": "sdcm.run.display:JournalDisplay.for_pytest",
    "runs.forget_old_runs": "sdcm.broker.runs:forget_old_runs",
    "session.kill": "sdcm.run.pytest_session:PytestSession.kill",
    "tests.display_of": "sdcm.run.tests:display_of",
}
#: Steps as the journal names them; `*` stands for what differs.
BY_STEP = {
    "engine": "sdcm.broker.leaks:LeakWatch.start",
    "network *": "sdcm.run.engine_steps:EngineSteps._make_network",
    "image *": "sdcm.environment.images:Images.ensure(kafka)",
    "flavour": "sdcm.run.engine_steps:EngineSteps._choose_flavour",
    "privileged": "sdcm.run.cluster_steps:ClusterSteps._probe_privileged",
    "kind": "sdcm.environment.kind_binary:ensure_kind_binary",
    "image kind-node": "sdcm.environment.images:Images.ensure(kind-node)",
    "cluster": "sdcm.environment.kind:_run_kind",
    "cluster removal": "sdcm.run.cluster_steps:ClusterSteps._remove",
    "load *": "sdcm.environment.kind_images:load_image",
    "access": "sdcm.run.on_kubernetes.steps:ShardSteps._require",
    "runner base": "sdcm.environment.images:Images.ensure(runner)",
    "runner image": "sdcm.environment.runner_image:runner_image",
    "delivery": "sdcm.environment.kind_nodes:load_image",
    "job": "sdcm.kubernetes.job_place:submit",
    "adoption of pytest": "sdcm.broker.desk:BrokerDesk._adopt",
    "broker": "sdcm.broker.server:Server.__init__",
    "dismissal of *": "sdcm.broker.desk:BrokerDesk._unneeded",
    "durations": "sdcm.scheduling.durations:note",
    "end: *": "sdcm.ownership.removers:remove",
    "verdict on leaks": "sdcm.broker.leak_desk:LeakDesk.take",
}
#: What the broker does at its end.
BY_END = {
    "server.close": "sdcm.broker.server:Server.close",
    "gate.close": "sdcm.broker.gate:Gate.close",
    "leaks.close": "sdcm.broker.leak_desk:LeakDesk.close",
    "desk.close": "sdcm.broker.desk:BrokerDesk.close",
    "supplies.graph.close": "sdcm.environment.graph:Graph.close",
    "supplies.let_go_of_engine": "sdcm.run.services_up:ServicesUp.let_go_of_engine",
    "teardown.tear_down": "sdcm.ownership.removers:remove",
    "report_files.write_for_dead": "sdcm.run.report_files:write_for_dead(sdcm.run.broker_process)",
}
#: What a worker, or whoever else, asks of the broker.
BY_REQUEST = {
    "hello": "sdcm.broker.desk:BrokerDesk._hello",
    "wait": "sdcm.broker.desk:BrokerDesk._wait",
    "node": "sdcm.broker.node_pool:NodePool.lease",
    "container": "sdcm.broker.containers:ContainerMaker.make",
    "namespace": "sdcm.kubernetes.namespaces:make_namespace",
    "load-image": "sdcm.environment.kind_images:load_image",
    "image": "sdcm.broker.desk:BrokerDesk._image",
    "own": "sdcm.broker.desk:BrokerDesk._own",
    "disown": "sdcm.broker.desk:BrokerDesk._disown",
    "release": "sdcm.broker.desk:BrokerDesk._release",
    "adopt": "sdcm.broker.desk:BrokerDesk._adopt",
    "span": "sdcm.broker.leak_desk:LeakDesk.take",
    "unneeded": "sdcm.broker.desk:BrokerDesk._unneeded",
}
#: Removers, by the kind of what they remove.
BY_KIND = {
    "container": "sdcm.ownership.removers:_remove_object",
    "network": "sdcm.ownership.removers:_remove_object",
    "volume": "sdcm.ownership.removers:_remove_object",
    "kind-cluster": "sdcm.ownership.removers:_remove_kind_cluster",
    "labelled": "sdcm.ownership.removers:_remove_labelled",
    "process": "sdcm.ownership.removers:_end_process",
    "directory": "sdcm.ownership.removers:remove_directory",
    "namespace": "sdcm.run.teardown:_remove_namespace",
    "kubernetes-job": "sdcm.run.teardown:_clear_job",
    "image": "sdcm.ownership.removers:_remove_image",
    "node-image": "sdcm.environment.kind_nodes:unload",
}
#: What makes nothing and ends nothing, or is broken elsewhere -> why there is no fault for it here.
NOT_BROKEN = {
    "request status": "tells what there is",
    "request enter": "tells how to get at it",
    "request held-back": "tells that a worker waits",
    "request expect": "tells a kept environment of tests to come",
    "request watch": "tells a kept environment of a run, or the run does without",
    "request keep": "lets an environment stay",
    "request stop": "ends a kept environment: `sct.py env down` asks, and says what it is answered",
    "removal engine": "stops a private engine, which these runs share: unit_tests/unit/run/test_teardown.py",
    "end supplies.graph.closing.set": "sets an event of the standard library's",
    "stage journal.close": "closes a file, when all is over",
    "stage using.end": "leaves a kept environment: unit_tests/unit/run/test_in_kept.py",
}
#: The name of each thing that may break, as the guard finds it in the source -> the fault that breaks it.
STEPS_OF_THE_PRODUCT = {
    f"{sort} {name}": fault
    for sort, faults in {
        "stage": BY_STAGE,
        "step": BY_STEP,
        "end": BY_END,
        "request": BY_REQUEST,
        "removal": BY_KIND,
    }.items()
    for name, fault in faults.items()
}
