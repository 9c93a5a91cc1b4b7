"""The plugin's entry: registers one small plugin a feature, and nothing else.

Loading it imports only the standard library and pytest; what a feature needs beyond that is imported
when a test uses it.
"""

import pytest

from sdcm.pytest_plugin import (
    alternator_fixtures,
    availability,
    cloud_fixtures,
    collecting,
    config_fixtures,
    cql_fixtures,
    deadlines,
    dismissing,
    docker_fixtures,
    durations,
    events_fixtures,
    evidence,
    evidence_folder,
    expressions,
    folder_fixtures,
    garbage,
    giving_back,
    going_on,
    journalling,
    kafka_fixtures,
    kubernetes_fixtures,
    last_teardown,
    leak_verdict,
    leaving,
    markers,
    metrics_fixtures,
    packed_reports,
    prefilter,
    quiet,
    readiness,
    right_now,
    rules,
    secrecy,
    session,
    sharing,
    slots,
    stopping,
    stress_fixtures,
    strict_events,
    unit_guard,
    vector_store_fixtures,
    worker_endings,
)

_FEATURES = (
    session,
    expressions,
    garbage,
    prefilter,
    sharing,
    stopping,
    collecting,
    rules,
    going_on,
    unit_guard,
    slots,
    deadlines,
    last_teardown,
    leak_verdict,
    readiness,
    availability,
    config_fixtures,
    folder_fixtures,
    events_fixtures,
    strict_events,
    metrics_fixtures,
    docker_fixtures,
    cql_fixtures,
    alternator_fixtures,
    vector_store_fixtures,
    kubernetes_fixtures,
    kafka_fixtures,
    stress_fixtures,
    cloud_fixtures,
    giving_back,
    evidence,
    evidence_folder,
    secrecy,
    quiet,
    right_now,
    packed_reports,
    worker_endings,
    journalling,
    durations,
    dismissing,
    leaving,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the project's own settings."""
    session.go_on_unheard()
    deadlines.add_options(parser)
    strict_events.add_options(parser)
    unit_guard.add_options(parser)
    parser.addini(
        session.ACTS_INI,
        "the plugin acts in plain pytest as under sct.py: every declared service is waited for, or skips its tests",
        type="bool",
        default=False,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """End with the runner from the first moment on: a project's conftest may take its time, or hang."""
    session.end_with_runner()
    going_on.take(early_config)
    garbage.hold(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register markers and features."""
    session.end_with_runner()  # where the plugin was loaded too late for the hook above
    going_on.take(config)
    markers.register(config)
    for feature in _FEATURES:
        config.pluginmanager.register(feature, f"sct-{feature.__name__.rpartition('.')[2]}")
    if config.pluginmanager.hasplugin("dsession") or config.pluginmanager.hasplugin("xdist"):
        from sdcm.pytest_plugin import scheduling

        config.pluginmanager.register(scheduling, "sct-scheduling")
