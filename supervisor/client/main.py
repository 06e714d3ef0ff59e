"""`jobctl`: each command is imported when it is used, so that the others cost nothing."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from supervisor.client.connection import Api
from supervisor.client.display import plain
from supervisor.client.errors import INTERRUPTED, USAGE, WAIT_FAILED, ClientError

COMMANDS = {
    "launch": ("launch", "Launch a command on an instance."),
    "ps": ("listing", "List jobs."),
    "show": ("show", "Show a job and its story."),
    "logs": ("logs", "Print the end of a job's log, or follow it."),
    "wait": ("waiting", "Wait until jobs are over; exit as they did."),
    "terminate": ("terminate", "End jobs."),
    "rerun": ("launch", "Launch again what a job launched."),
    "instances": ("instances", "List the instances that are looked after."),
    "track": ("instances", "Look after instances."),
    "untrack": ("instances", "Look after instances no longer."),
    "poll": ("instances", "Look at instances now."),
    "stop-instance": ("ending", "Stop instances, if no job lives on them."),
    "start-instance": ("ending", "Start stopped instances."),
    "terminate-instance": ("ending", "Terminate instances, if nothing is lost by it."),
    "events": ("events", "Tell what happened, or what happens."),
    "status": ("status", "Tell how things stand."),
    "completion": ("completion", "Print the completion script of a shell."),
}
"""Each command's module, where its function has its name, and what the list says of it."""


def _examples_kept(text: str | None) -> str | None:
    r"""Turn the \b of our docstrings, which are raw, into the mark that keeps lines as they are."""
    return None if text is None else text.replace("\\b\n", "\b\n")


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"supervisor.client.{COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, cmd_name.replace("-", "_"))
        found.help = _examples_kept(found.help)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches  # noqa: PLC0415 - only for a misspelt command

            near = get_close_matches(args[0], COMMANDS, n=1)
            if not near:
                raise
            text = f"{error.message} Did you mean '{near[0]}'?"
            raise click.UsageError(text, ctx) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--socket", metavar="PATH", help="Default: $JOB_SUPERVISOR_SOCKET, else the usual.")
@click.version_option(package_name="job-supervisor")
@click.pass_context
def cli(context: click.Context, socket: str | None) -> None:
    r"""Launch and look after long jobs on EC2 instances, by the job-supervisor on this host.

    \b
    jobctl launch i-0a1b2c3d4e5f60718 --project-dir /home/ubuntu/resnet -- python train.py
    jobctl ps
    """
    context.obj = Api(socket)


cli.help = _examples_kept(cli.help)


def main() -> NoReturn:
    """Run a command; tell errors in words, and exit as the contract says."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    waits = _command_of(sys.argv[1:]) == "wait"
    try:
        code: Any = cli.main(prog_name="jobctl", standalone_mode=False)
        sys.stdout.flush()
    except ClientError as error:
        _tell(error.lines())
        code = WAIT_FAILED if waits else error.code
    except click.UsageError as error:
        error.show()
        code = WAIT_FAILED if waits else USAGE
    except click.ClickException as error:
        error.show()
        code = WAIT_FAILED if waits else error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _tell(["", "jobctl: stopped; what was asked of the supervisor goes on"])
        code = WAIT_FAILED if waits else INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough. The interpreter must not flush into the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + 13
    sys.exit(code if isinstance(code, int) else 0)


def _command_of(words: list[str]) -> str:
    """Return the command among the words, past the group's own options."""
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            skip = word == "--socket" and not skip
            continue
        return word
    return ""


def _tell(lines: list[str]) -> None:
    for line in lines:
        print(plain(line), file=sys.stderr)


if __name__ == "__main__":
    main()
