from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from supervisor.main import main


def test_check_config_accepts_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[poll]\nrunning_interval_seconds = 5\n")
    done = CliRunner().invoke(main, ["check-config", "--config", str(path)])
    assert (done.exit_code, done.output) == (0, f"{path}: accepted\n")


def test_check_config_tells_every_error_and_exits_2(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[poll]\nx = 5\n[log]\nlevel = "loud"\n')
    done = CliRunner().invoke(main, ["check-config", "--config", str(path)])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0] == f"{path}: 2 errors"
    assert len(done.stderr.splitlines()) == 3
