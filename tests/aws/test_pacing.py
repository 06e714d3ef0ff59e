"""The pace: halved by a throttle, given back by time, on a clock of the test's own."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.aws.pacing import Bucket, Pacing


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


def test_a_burst_and_then_the_rate() -> None:
    bucket = Bucket.full(rate=5.0, burst=3.0)
    assert [bucket.take(0.0) for _ in range(5)] == pytest.approx([0, 0, 0, 0.2, 0.4])
    assert bucket.take(10.0) == 0


def test_a_bucket_that_rested_holds_no_more_than_its_burst() -> None:
    bucket = Bucket.full(rate=5.0, burst=3.0)
    bucket.take(0.0)
    bucket.take(1000.0)
    assert bucket.tokens == 2.0


def test_throttles_of_one_blow_halve_once() -> None:
    bucket = Bucket.full(rate=16.0, burst=16.0)
    for number in range(10):
        bucket.throttled(5.0 + number / 100)
    assert bucket.rate == 8.0
    bucket.throttled(6.5)
    assert 4.0 <= bucket.rate < 4.5
    assert bucket.take(6.5) > 0.2


def test_the_rate_never_falls_to_nothing() -> None:
    bucket = Bucket.full(rate=1.0, burst=1.0)
    for number in range(50):
        bucket.throttled(number * 2.0)
    assert bucket.rate >= 0.2


def test_time_without_throttles_gives_the_rate_back() -> None:
    bucket = Bucket.full(rate=10.0, burst=10.0)
    bucket.throttled(0.0)
    bucket.delay(11.0)
    assert 6.5 < bucket.rate < 7.5
    bucket.delay(100.0)
    assert bucket.rate == 10.0


def test_a_clock_that_stands_still_gives_nothing() -> None:
    bucket = Bucket.full(rate=10.0, burst=1.0)
    bucket.take(7.0)
    assert bucket.delay(7.0) == pytest.approx(0.1)
    assert bucket.delay(6.0) == pytest.approx(0.1)


async def test_calls_wait_their_turn_and_are_counted() -> None:
    clock = Clock()
    pacing = Pacing(rate=2.0, burst=1.0, clock=clock, sleep=clock.sleep)
    for _ in range(5):
        assert await pacing.wait("SendCommand")
    assert clock.now == pytest.approx(102.0)
    pacing.throttled("SendCommand")
    assert pacing.account() == {
        "SendCommand": {"calls": 5, "throttles": 1, "rate": 1.0, "full_rate": 2.0}
    }


async def test_one_whose_turn_does_not_come_in_time_takes_nothing() -> None:
    clock = Clock()
    pacing = Pacing(rate=1.0, burst=1.0, clock=clock, sleep=clock.sleep)
    assert await pacing.wait("List")
    assert not await pacing.wait("List", within=0.5)
    assert pacing.delay("List") == pytest.approx(1.0)
    assert pacing.account()["List"]["calls"] == 1


async def test_operations_do_not_slow_each_other() -> None:
    clock = Clock()
    pacing = Pacing(rate=8.0, burst=1.0, clock=clock, sleep=clock.sleep)
    pacing.throttled("SendCommand")
    assert pacing.delay("ListCommandInvocations") == 0


async def test_one_cancelled_while_waiting_gives_its_turn_back() -> None:
    pacing = Pacing(rate=0.5, burst=1.0)
    await pacing.wait("List")
    waiting = asyncio.create_task(pacing.wait("List"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert pacing.delay("List") <= 2.0
    assert pacing.account()["List"]["calls"] == 1


async def test_the_pace_finds_a_limit_that_nobody_told() -> None:
    clock = Clock()
    pacing = Pacing(rate=20.0, burst=40.0, clock=clock, sleep=clock.sleep)
    allowed, at, throttles, done = 10.0, clock.now, 0, 0
    while done < 300:
        await pacing.wait("SendCommand")
        allowed, at = min(10.0, allowed + (clock.now - at) * 5.0), clock.now
        if allowed < 1:
            throttles += 1
            pacing.throttled("SendCommand")
        else:
            allowed -= 1
            done += 1
    assert throttles < 60
    assert clock.now - 100 < 2.5 * 300 / 5
