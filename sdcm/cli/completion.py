"""`sct.py completion`."""

from pathlib import Path

import click

from sdcm.exit_codes import ExitCode

_SCRIPTS = Path(__file__).parent / "completion_scripts"
_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> int:
    """Write the script that completes commands, options and their values in a SHELL, for `sct` and for `uv run`.

    \b
    bash, in ~/.bashrc:                 eval "$(uv run sct.py completion bash)"
    zsh, in ~/.zshrc:                   eval "$(uv run sct.py completion zsh)"
    fish, in ~/.config/fish/config.fish: uv run sct.py completion fish | source

    Where shells start outside the project, keep the script in a file (`... completion bash > ~/.sct.bash`) and
    `source` that.
    """  # noqa: D301 - click wants the character itself
    click.echo((_SCRIPTS / f"sct.{shell}").read_text(encoding="utf-8"), nl=False)
    return ExitCode.OK
