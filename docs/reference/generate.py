"""Makes the reference pages that are tables of what the code says.

`python docs/reference/generate.py` writes them; a unit test compares them with the code.
"""

import inspect
import json
import re
import runpy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from sdcm import environment_variables
from sdcm import journal as journals
from sdcm.config import layers, schema
from sdcm.config.options import Options, example_of, is_appendable, is_secret
from sdcm.config.origins import type_name
from sdcm.environment_variables import Variable
from sdcm.exit_codes import PRECEDENCE, ExitCode
from sdcm.services import table

FOLDER = Path(__file__).parent
_MADE = "<!-- Made by docs/reference/generate.py; change the code it reads, then run it. -->"


def rows(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    written = [tuple(head), ("---",) * len(head), *lines]
    return "".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in written)


def exit_codes() -> str:
    """Return the page of exit codes, with the meanings that stand beside them in the code."""
    source = inspect.getsource(ExitCode)
    meanings = {name: text for text, name in re.findall(r"#: (.+)\n\s+(\w+) = \d+", source)}
    order = ", ".join(f"{code:d}" for code in PRECEDENCE)
    codes = rows(
        ("code", "name", "meaning"), ((f"{code:d}", f"`{code.name}`", meanings[code.name]) for code in ExitCode)
    )
    return f"""# Exit codes

{_MADE}

`sct.py unit-tests` and `sct.py integration-tests` end with one of these, and so do the other commands as far as
they apply.

{codes}
Where several apply, the first of this order is used: {order}.

A run goes on to its end when nobody reads its output any more (`sct.py ... | head -1`). What would be 0 is then
141, as a shell says of a program that ended so; where output could not be written for another reason, as on a full
disk, it is 75.
"""


def variables() -> str:
    """Return the page of environment variables."""
    for_users = [variable for variable in environment_variables.OURS if not variable.internal]
    internal = [variable for variable in environment_variables.OURS if variable.internal]
    credentials = [
        (f"`{name}`", f"`{service.label}`: {service.check}") for service in table.SERVICES for name in service.variables
    ]
    return f"""# Environment variables

{_MADE}

## Ours

{_variable_rows(for_users)}
Every option of `params` is set by `SCT_` and its name in upper case, such as `SCT_N_DB_NODES=3`; see
[configuration](configuration.md). Names that begin with `{environment_variables.TEST_PREFIX}` are free for your
own tests.

## That make services available

{rows(("variable", "service"), credentials)}
Under `sct.py integration-tests` the option `--kubeconfig` names a cluster of yours; `KUBECONFIG` does so in plain
pytest. See [services](services.md).

## Others that are heeded

{_variable_rows(environment_variables.HEEDED)}
## Between our own processes

Set by the run for what it starts; not for you to set.

{rows(("variable", "meaning"), ((f"`{variable.name}`", variable.meaning) for variable in internal))}"""


def _variable_rows(listed: Iterable[Variable]) -> str:
    return rows(
        ("variable", "meaning", "default"),
        ((f"`{variable.name}`", variable.meaning, variable.default or "-") for variable in listed),
    )


def services() -> str:
    """Return the page of the service table."""
    labels = rows(
        ("label", "covers", "available when", "what supplies it"),
        ((f"`{row.label}`", ", ".join(row.covers), row.check, row.supply) for row in table.SERVICES),
    )
    names = rows(
        ("label", "is also read from"),
        ((f"`{row.label}`", ", ".join(word for word in row.words if word != row.label)) for row in table.SERVICES),
    )
    return f"""# Services

{_MADE}

A service is something outside the process that a test needs.

{labels}
A cloud's label is judged by its variables, then by whether the file that one names can be read, then by one cheap
call that shows whether the credentials work (15 s at most, once a run, only where a chosen test or `--require` names
the cloud). A missing service skips the tests that need it, with a reason that says what is missing:

    aws: neither AWS_ACCESS_KEY_ID nor AWS_PROFILE is set -- export one of them (see {table.REFERENCE_PAGE})

`--require aws` makes that an error before anything is set up (exit code 69).

## How a test says what it needs

In any of these ways; they add up.

```python
@pytest.mark.services("docker", "aws")  # by marker: labels, any case
def test_upload(docker_scylla): ...  # by fixture: docker_scylla, docker_scylla_2, kafka_cluster, k8s_cluster, ...


def test_query(docker_scylla):
    \"\"\"Query a node.

    External services: Docker (Scylla container), AWS S3
    \"\"\"  # in the docstring of the function or of its module


# service: oci
def test_instances(): ...  # by a comment above or in the function


@pytest.mark.skipif(not os.environ.get("AZURE_SUBSCRIPTION_ID"), reason="set AZURE_SUBSCRIPTION_ID")
def test_vm(): ...  # by a skip reason that names the variable
```

The docstring's section is the rest of its line, or the indented or bulleted lines below it. Items are parted by
commas, `and`, `+` or `/`; what stands in parentheses is a remark. `External services: none` says that there are
none, and a cloud that is said to be mocked (`AWS (moto)`) is not needed. Beside its label a service is known by
what it covers:

{names}
A kubernetes test on the run's own Kind cluster needs Docker for the cluster, but not the label `docker`.
"""


def journal() -> str:
    """Return the page of the journal's events, which the module lists."""
    head, _, listed = inspect.getdoc(journals).partition("Events:\n")  # type: ignore[union-attr]
    events: list[tuple[str, str]] = []
    for line in filter(str.strip, listed.splitlines()):
        name, text = line[4:20].strip(), line[20:].strip()
        if name:
            events.append((name, text))
        else:
            events[-1] = (events[-1][0], f"{events[-1][1]} {text}")
    table = rows(("event", "says, besides `event` and `at`"), ((f"`{name}`", text) for name, text in events))
    return f"""# Journal

{_MADE}

`journal.jsonl` in a run's state directory. {head.strip()}

`sct.py report --from journal.jsonl` makes any report of it. Readers pass over events and fields that they do not know.

{table}"""


def _shown(default: object) -> str:
    if default is None or default in ("", [], {}):
        return "-"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def example_line(name: str) -> str:
    """Return a line of a configuration file that sets an option."""
    # As JSON, which is YAML on one line; texts that need no quotes have none.
    value = example_of(name)
    plain = isinstance(value, str) and yaml.safe_load(value) == value and ": " not in value
    return f"{name}: {value if plain else json.dumps(value, ensure_ascii=False)}"


def configuration() -> str:
    """Return the page of the options of `params`."""
    lines = []
    for name, field in Options.model_fields.items():
        marks = [mark for mark, holds in (("`++`", is_appendable(name)), ("secret", is_secret(name))) if holds]
        default = _shown(field.get_default(call_default_factory=True))
        example = f"`{example_line(name)}`"
        lines.append((f"`{name}`", f"`{type_name(name)}`", default, field.description or "", example, ", ".join(marks)))
    defaults = sorted(layers.DEFAULTS.glob("*.yaml"))
    shown_defaults = ", ".join(f"[{file.name}](../../sdcm/config/defaults/{file.name})" for file in defaults)
    return f"""# Configuration: the options of `params`

{_MADE}

Layers, later ones win: the built-in defaults below; the files of defaults
({shown_defaults});
the files that the test's `sct_config` marker names, or else `SCT_CONFIG_FILES`, in their order; `SCT_...` variables;
what follows from the surroundings (`billing_project`); what the test itself sets. `sct.py config explain KEY` says
which layer set a value, and so does `params.explain(key)` in a test.

Editors check and complete files with [params.schema.json](params.schema.json), which `sct.py config schema` writes;
see the first line of the [examples](../../test-cases/README.md).

- Mappings merge key by key; all else replaces. A text that begins with `++` is added to the end of the earlier one
  as it stands, a list whose first item begins with `++` adds its items; possible where `++` is in the last column.
- `SCT_N_DB_NODES="3 3"` is a list of numbers; lists and mappings may be written as Python or YAML does.
- `SCT_STRESS_IMAGE__ycsb=...` sets one key of a mapping, and `_` stands for `-` where a key has one.
- `params["unknown"]` is an error that names near options; `params.get("unknown")` is `None`; keys of mappings are
  reached as `params.get("stress_image.ycsb")`.

{rows(("option", "type", "default", "meaning", "in a file, for example", ""), lines)}"""


def _page_of(file: str) -> Callable[[], str]:
    """Return the maker of a page that has a file of its own beside this one."""
    page = runpy.run_path(str(FOLDER / file))["page"]
    return lambda: str(page(rows, _MADE))


def schema_file() -> str:
    """Return the JSON schema of configuration files."""
    return json.dumps(schema.json_schema(), indent=2) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "journal.md": journal,
    "exit-codes.md": exit_codes,
    "environment-variables.md": variables,
    "services.md": services,
    "configuration.md": configuration,
    "params.schema.json": schema_file,
    "cli.md": _page_of("cli_page.py"),
    "fixtures-and-markers.md": _page_of("fixtures_page.py"),
    "rules.md": _page_of("rules_page.py"),
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
