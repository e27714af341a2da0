"""The `pillio` command. A new command is a function and one line in `COMMANDS`.

Exit codes: 0 done, 1 refused (one sentence on stderr), 2 wrong usage.
"""

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from ops.refusal import Refusal

app = typer.Typer(
    help="Pillio on one machine.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def up() -> None:
    """Start everything in the foreground; Ctrl-C stops it."""
    from ops import stack

    stack.up()


def demo() -> None:
    """Play a dose's life with a made-up person."""
    from ops.demo import play

    play.play()


def migrate() -> None:
    """Bring the database up to date, without starting Pillio."""
    from ops import embedded, migrating, preflight
    from ops.speaking import say
    from ops.wishes import read_wishes

    wishes = read_wishes()
    preflight.make_home(wishes.home)
    preflight.check_servers(wishes)
    with embedded.connected(wishes) as environment:
        preflight.check_settings(environment)
        migrating.migrate(environment)
    say("pillio", "the database is up to date")


def healthcheck(program: Annotated[str, typer.Argument(help="Such as api or worker")]) -> None:
    """Say whether one program on this host is well."""
    from ops import healthcheck

    if program not in healthcheck.CHECKS:
        raise typer.BadParameter(f"{program} is none of {', '.join(healthcheck.CHECKS)}.")
    print(healthcheck.check(program))


def version() -> None:
    """Print the version."""
    try:
        print(f"pillio {installed_version('pillio')}")
    except PackageNotFoundError:
        print("pillio, a checkout that is not installed")


COMMANDS: tuple[Callable[..., None], ...] = (up, demo, migrate, healthcheck, version)
for _command in COMMANDS:
    app.command()(_command)


def main() -> None:
    try:
        app()
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
