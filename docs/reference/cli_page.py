"""The page of commands and their options, made from click's own description of them."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from sdcm.cli.main import sct

#: Makes a Markdown table of a head and lines.
Rows = Callable[[Sequence[str], Iterable[Sequence[str]]], str]
#: click's mark, also as a raw docstring has it, before lines that are to stay as they are.
_AS_IT_IS = re.compile(r"(?:\x08|\\b)\n((?:.+\n?)+)")


def page(rows: Rows, made: str) -> str:
    """Return the page.

    Args:
        rows: Makes a Markdown table of a head and lines.
        made: The remark that says who made the page.
    """
    sections = "\n".join(_command(command, f"sct.py {name}", rows) for name, command in _commands(sct))
    return f"""# Commands

{made}

From a checkout the program is `sct.py` (`uv run sct.py ...`); installed from a wheel it is `sct`. Every command has
`--help`. What a command ends with is in [exit codes](exit-codes.md).

{sections}"""


def _commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{above}{name} ")
        elif command is not None:
            yield above + name, command
            yield from ((f"{above}{name} {other}", own) for other, own in getattr(command, "subcommands", {}).items())


def _command(command: click.Command, name: str, rows: Rows) -> str:
    context = click.Context(command, info_name=name)
    pieces = " ".join(command.collect_usage_pieces(context)).replace("[OPTIONS]", "[options]")
    explained = inspect.cleandoc(command.help or "")
    explained = _AS_IT_IS.sub(lambda match: re.sub("^", "    ", match[1], flags=re.MULTILINE), explained)
    text = f"## {name}\n\n    {name} {pieces}\n\n{explained}\n"
    options = [param for param in command.params if isinstance(param, click.Option)]
    lines = ((_spelt(option, context), _default(option), option.help or "") for option in options)
    return f"{text}\n{rows(('option', 'default', 'meaning'), lines)}" if options else text


def _spelt(option: click.Option, context: click.Context) -> str:
    value = "" if option.is_flag or option.count else f" {option.make_metavar(context)}"
    return ", ".join(f"`{name}{value}`" for name in option.opts)


def _default(option: click.Option) -> str:
    if not option.show_default:
        return "-"
    if isinstance(option.show_default, str):
        return f"`{option.show_default}`"
    defaults = option.default if isinstance(option.default, tuple) else (option.default,)
    return ", ".join(f"`{value}`" for value in defaults)
