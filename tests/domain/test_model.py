from __future__ import annotations

import pytest

from supervisor.domain.model import FINAL_STATES, LIVE_STATES, JobState, Tracking


def test_every_state_is_either_live_or_final() -> None:
    assert set(JobState) == FINAL_STATES | LIVE_STATES
    assert not FINAL_STATES & LIVE_STATES


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_a_final_state_says_so(state: JobState) -> None:
    assert state.final


def test_only_what_was_let_go_is_not_tracked() -> None:
    assert [t for t in Tracking if not t.tracked] == [Tracking.UNTRACKED]
