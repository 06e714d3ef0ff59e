from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from serving import BIN, Served
from standin import A, a_job
from terminal import Terminal

JOB = "k7m2pdaaaaaaaaaa"
SHELLS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
LOADS = {
    "bash": 'eval "$(jobctl completion bash)"',
    "zsh": 'autoload -U compinit; compinit -u -D; eval "$(jobctl completion zsh)"',
    "fish": "jobctl completion fish | source",
}


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_shell_completes_commands_options_jobs_and_instances(
    served: Served, shell: str, tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}, to complete in it")
    served.standin.put(a_job(name="resnet50"))
    env = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "JOB_SUPERVISOR_SOCKET": str(served.path),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "PS1": "> ",
    }
    terminal = await Terminal.start(*SHELLS[shell], columns=100, **env)
    terminal.type(f"{LOADS[shell]}; echo rea''dy\n")
    await terminal.until("ready")
    for typed, completed in (
        ("jobctl terminate-i\t", "jobctl terminate-instance"),
        ("jobctl show --js\t", "jobctl show --json"),
        ("jobctl show k7\t", f"jobctl show {JOB}"),
        ("jobctl logs -f res\t", "jobctl logs -f resnet50"),
        (f"jobctl poll {A[:5]}\t", f"jobctl poll {A}"),
    ):
        terminal.seen.clear()
        terminal.type(typed)
        await terminal.until(completed)
        terminal.type("\x15")
    terminal.type("exit\n")
    await terminal.end()


async def test_without_a_supervisor_nothing_is_offered(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        BIN / "jobctl",
        env={
            **os.environ,
            "_JOBCTL_COMPLETE": "bash_complete",
            "COMP_WORDS": "jobctl show k7",
            "COMP_CWORD": "2",
            "JOB_SUPERVISOR_SOCKET": str(tmp_path / "none"),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert await process.communicate() == (b"\n", b"")


async def test_names_that_a_shell_would_read_are_not_offered(served: Served) -> None:
    served.standin.put(a_job(name="k$(touch /tmp/x)"))
    process = await asyncio.create_subprocess_exec(
        *(BIN / "jobctl",),
        env={
            **os.environ,
            "_JOBCTL_COMPLETE": "bash_complete",
            "COMP_WORDS": "jobctl show k",
            "COMP_CWORD": "2",
            "JOB_SUPERVISOR_SOCKET": str(served.path),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out.decode().split() == [f"plain,{JOB}"]
