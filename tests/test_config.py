from __future__ import annotations

import json
from pathlib import Path

import pytest

from supervisor.config import Config, config_path, parse_config, read_config
from supervisor.errors import ConfigError

ROOT = Path(__file__).parents[1]


def errors_of(text: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "config.toml")
    return dict(caught.value.errors)


def test_the_example_is_accepted_as_it_is_and_shows_the_defaults() -> None:
    example = read_config(ROOT / "config" / "config.example.toml")
    assert example.fleet.tags == {"job-supervisor": "managed"}
    assert example.model_copy(update={"fleet": Config().fleet}) == Config()


def test_an_empty_file_is_a_configuration() -> None:
    assert parse_config("", "config.toml") == Config()


def test_every_error_is_told_at_once_with_what_is_allowed() -> None:
    text = """
    [poll]
    running_interval_seconds = -5
    [fleet]
    tag = { a = "b" }
    [mqtt]
    port = "broker"
    """
    assert errors_of(text) == {
        "poll.running_interval_seconds": "-5 is not allowed; a number from 1 to 3600",
        "fleet.tag": 'unknown key; did you mean "tags"?',
        "mqtt.port": '"broker" is not allowed; a whole number from 1 to 65535',
    }


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("[contrl]\nx = 1", "contrl", '"control"'),
        ('[log]\nlevel = "loud"', "log.level", '"warning"'),
        ('[control]\nsocket = "a"', "control.socket", "absolute"),
        ('[[webhook]]\ntypes = ["job.*"]', "webhook[0].url", "missing"),
        ('[[webhook]]\nurl = "https://x"\ntyp = 1', "webhook[0].typ", '"types"'),
        ('[fleet]\ninstance_ids = ["gpu-3"]', "fleet.instance_ids[0]", "i-0a1b"),
        ('[mqtt]\ninclude = ["all"]', "mqtt.include[0]", '"last_line"'),
        ('[fleet]\ntags = { "" = "x" }', "fleet", "key"),
        ("[poll", "", "not TOML"),
    ],
)
def test_an_error_names_its_key_and_what_is_allowed(text: str, path: str, says: str) -> None:
    assert says in errors_of(text)[path]


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="1 error") as caught:
        read_config(tmp_path / "none.toml")
    assert "No such file" in caught.value.lines()[1]


def test_the_option_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_SUPERVISOR_CONFIG", "/a")
    assert config_path("/b") == Path("/b")
    assert config_path(None) == Path("/a")
    monkeypatch.delenv("JOB_SUPERVISOR_CONFIG")
    assert config_path(None) == Path("/etc/job-supervisor/config.toml")


def test_the_iam_policy_touches_tagged_instances_only() -> None:
    policy = json.loads((ROOT / "config" / "iam-policy.json").read_text())
    changing = ("ssm:SendCommand", "ec2:StopInstances", "ec2:TerminateInstances")
    for statement in policy["Statement"]:
        actions = statement["Action"]
        if "instance/*" in statement["Resource"] and any(a in actions for a in changing):
            assert "managed" in json.dumps(statement["Condition"])
