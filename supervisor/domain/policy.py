"""The numbers that decisions are made by. All durations are in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Taken from the configuration, or fixed here with its reason."""

    running_interval: float = 30
    idle_interval: float = 120
    unreachable_interval: float = 120
    soon: float = 1.0
    """The pause before a second look where the first could not decide yet."""
    failures_until_unreachable: int = 2
    """One look may fail by chance: a throttle, a lost answer, an agent that restarts."""
    gone_after: float = 600
    """For so long EC2's answers may lag behind: they are eventually consistent."""
    launch_margin: float = 120
    """A launch script that began before its deadline is over by then: its command's execution
    timeout is 60 s, and the agent kills its process group at that time."""
    void_attempts_limit: int = 5
    """After so many launches that never began, a person should look."""
    signal_again_after: float = 15
    """Past the grace, the tree should be gone by now; the signal is sent once more."""
    retry_base: float = 5
    retry_limit: float = 600
