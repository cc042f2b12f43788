"""``completion``."""

from __future__ import annotations

import click

from mityflow.cli.screen import Screen


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    r"""Print the script that completes mityflow in SHELL.

    \b
    bash:  eval "$(mityflow completion bash)"          in ~/.bashrc
    zsh:   eval "$(mityflow completion zsh)"           in ~/.zshrc
    fish:  mityflow completion fish > ~/.config/fish/completions/mityflow.fish
    """
    from click.shell_completion import get_completion_class

    from mityflow.cli.app import mityflow

    script = get_completion_class(shell)
    if script is None:  # pragma: no cover - the choice above holds what click has
        raise click.UsageError(f"no completion for {shell}")
    Screen().line(script(mityflow, {}, "mityflow", "_MITYFLOW_COMPLETE").source())
    return 0
