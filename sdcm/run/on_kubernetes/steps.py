"""The broker's steps of `--on kubernetes`: from the source tree to a Job that the cluster has taken.

access (may we? is it new enough?) --> engine --> runner image --> registry, or Kind's nodes --> job
"""

import base64
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdcm.broker.gate import Gate
from sdcm.broker.opener import BrokerSpec
from sdcm.environment.graph import Graph, RunningStep
from sdcm.environment.image_push import pull_login, push_image, pushed_reference
from sdcm.environment.images_here import Image
from sdcm.environment.kind_nodes import load_into_nodes
from sdcm.environment.runner_image import project_reference, runner_image
from sdcm.errors import ServiceUnavailable
from sdcm.kubernetes import indexed_job, job_place
from sdcm.kubernetes.indexed_job import JobSpec
from sdcm.kubernetes.job_place import JobPlace
from sdcm.kubernetes.namespaces import make_namespace
from sdcm.kubernetes.ownership import LEASE
from sdcm.ownership import labels
from sdcm.ownership.ledger import Ledger
from sdcm.run.engine_steps import IMAGE_DEADLINE, EngineSteps
from sdcm.run.on_kubernetes.pod import FLAVOUR_FILE
from sdcm.run.on_kubernetes.target import Target
from sdcm.services.selected import NODE_IMAGE

_ACCESS_DEADLINE = 60.0
_JOB_DEADLINE = 120.0
_MOVE_DEADLINE = 1800.0
#: What a pod is given where nobody says.
_CPU, _MEMORY = "500m", "2Gi"
#: And one with an engine in it: room for some nodes of 512 MiB beside pytest and the broker.
_MEMORY_WITH_ENGINE = "4Gi"


class ShardSteps:
    """Starts each step once; what returns a future starts what it needs."""

    def __init__(self, spec: BrokerSpec, ledger: Ledger, graph: Graph, gate: Gate, on: EngineSteps) -> None:
        """Start nothing yet."""
        self._spec = spec
        self._ledger = ledger
        self._graph = graph
        self._gate = gate
        self._on = on

    def job(self) -> "Future[JobPlace]":
        """Return the future Job, which the cluster has taken; none of its pods need run yet."""
        image = self._image_in_cluster()
        return self._graph.step("job", self._submit, needs=[self._access(), image], deadline=_JOB_DEADLINE)

    @property
    def _target(self) -> Target:
        return Target.from_record(self._spec.shards)

    def _place(self) -> JobPlace:
        name = f"sct-{self._spec.run_id}"
        target = self._target
        return JobPlace(
            target.kubeconfig, target.context, target.namespace or name, name, "" if target.namespace else "yes"
        )

    def _access(self) -> "Future[str]":
        return self._graph.step("access", self._require, deadline=_ACCESS_DEADLINE)

    def _require(self, step: RunningStep) -> str:
        place = self._place()
        api = place.api()
        try:
            job_place.require(api, place)
            if self._target.engine and not place.own:
                # Before the image is made and sent there, which takes minutes.
                job_place.require_admission(api, place, indexed_job.trial_pod(self._job_spec(self._image_to_be())))
        finally:
            api.close()
        step.detail = f"context {place.context}, namespace {place.namespace}"
        return api.access.server

    def _image_in_cluster(self) -> "Future[str]":
        """Return the future reference of the runner image as the cluster knows it."""
        target = self._target
        if target.image:
            given: Future[str] = Future()
            given.set_result(target.image)
            return given
        base = self._graph.step(
            "runner base",
            lambda step: self._on.images().ensure("runner-engine" if target.engine else "runner", step),
            needs=[self._access(), self._on.engine()],
            deadline=IMAGE_DEADLINE,
        )
        made = self._graph.step(
            "runner image", lambda step: self._make_image(base, step), needs=[base], deadline=IMAGE_DEADLINE
        )
        return self._graph.step("delivery", lambda step: self._move(made, step), needs=[made], deadline=_MOVE_DEADLINE)

    def _make_image(self, base: "Future[Any]", step: RunningStep) -> str:
        return runner_image(
            self._on.engine().result(),
            base.result(),
            Path(self._target.project),
            run_id=self._spec.run_id,
            ledger=self._ledger,
            step=step,
            images=self._images_of_tests(),
        )

    def _images_of_tests(self) -> list[Image]:
        """Return the images that the pods' engines are to have; one that is not to be had here is looked for there."""
        started = [self._on.node_image() if each == NODE_IMAGE else self._on.image(each) for each in self._named()]
        errors = [each.exception() for each in started]
        if failed := next((error for error in errors if error and not isinstance(error, ServiceUnavailable)), None):
            raise failed
        return [each.result() for each in started if each.exception() is None]

    def _named(self) -> list[str]:
        return self._target.images if self._target.engine else []

    def _move(self, made: "Future[str]", step: RunningStep) -> str:
        target, engine = self._target, self._on.engine().result()
        if target.registry:
            return push_image(engine, made.result(), target.registry, step)
        with self._gate.making():
            load_into_nodes(engine, target.context, made.result(), self._ledger, step)
        return made.result()

    def _submit(self, step: RunningStep) -> JobPlace:
        place, target = self._place(), self._target
        login = pull_login(target.registry) if target.registry else ""
        spec = replace(
            self._job_spec(self._image_in_cluster().result()),
            secret=place.job if login else "",
            files={**target.files, **self._flavour()},
        )
        api = place.api()
        try:
            with self._gate.making():
                self._ledger.will_make(job_place.LEDGER_KIND, place.job, **place.facts())
                if place.own:
                    step.say(f"making namespace {place.namespace}")
                    open_to = {job_place.PRIVILEGED_LABEL: "privileged"} if target.engine else {}
                    make_namespace(place.kubeconfig, place.namespace, {**spec.labels, **open_to}, place.context)
                    if target.engine:
                        job_place.require_admission(api, place, indexed_job.trial_pod(spec))
                job_place.submit(api, place, _objects(spec, login))
        finally:
            api.close()
        step.detail = f"{place.job} in namespace {place.namespace}, {target.shards} pods"
        return place

    def _image_to_be(self) -> str:
        """Return what `_image_in_cluster` will, without making it."""
        target, made = self._target, project_reference(self._spec.run_id)
        return target.image or (pushed_reference(made, target.registry) if target.registry else made)

    def _job_spec(self, image: str) -> JobSpec:
        place, target = self._place(), self._target
        return JobSpec(
            name=place.job,
            namespace=place.namespace,
            image=image,
            shards=target.shards,
            labels={**labels.of_run(self._spec.run_id, "shard"), LEASE: place.job},
            cpu=target.cpu or _CPU,
            memory=target.memory or (_MEMORY_WITH_ENGINE if target.engine else _MEMORY),
            limit_cpu=bool(target.cpu),
            pull=bool(target.image or target.registry),
            account=target.account,
            engine=target.engine,
        )

    def _flavour(self) -> dict[str, str]:
        """Return the file that tells all shards alike which nodes they boot."""
        if NODE_IMAGE not in self._named() or self._target.image:
            return {}
        return {FLAVOUR_FILE: base64.b64encode(self._on.flavour().result().encode()).decode()}


def _objects(spec: JobSpec, login: str) -> dict[str, dict[str, Any]]:
    """Return what is made, by collection, in this order."""
    objects = {"configmaps": indexed_job.config_map(spec)}
    if login:
        objects["secrets"] = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": spec.secret, "labels": dict(spec.labels)},
            "data": {".dockerconfigjson": login},
        }
    return {**objects, "batch/v1/jobs": indexed_job.job(spec)}
