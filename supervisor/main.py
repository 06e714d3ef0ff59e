"""`job-supervisor`: the daemon's command line. Each command imports what it needs, when it runs."""

from __future__ import annotations

import sys

import click

from supervisor.config import config_path, read_config
from supervisor.errors import ConfigError

CONFIG_OPTION = click.option(
    "--config",
    "config_option",
    metavar="FILE",
    help="Default: $JOB_SUPERVISOR_CONFIG, else /etc/job-supervisor/config.toml.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="job-supervisor")
def main() -> None:
    """Look after long jobs on EC2 instances that are reached only through SSM."""


@main.command("check-config")
@CONFIG_OPTION
def check_config(config_option: str | None) -> None:
    r"""Check the configuration and tell every error: exit 0, or 2 with each on a line.

    \b
    job-supervisor check-config
    job-supervisor check-config --config ./config.toml
    """
    path = config_path(config_option)
    try:
        read_config(path)
    except ConfigError as error:
        click.echo("\n".join(error.lines()), err=True)
        sys.exit(2)
    click.echo(f"{path}: accepted")
