"""Where files are, with and without VIDCTL_HOME."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidctl import paths


def test_vidctl_home_holds_everything(home: Path) -> None:
    root = home / "vidctl"
    assert paths.user_config_file() == root / "config" / "config.toml"
    assert paths.user_library() == root / "data" / "library.db"
    assert paths.log_folder() == root / "log"


def test_without_it_the_platform_decides(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDCTL_HOME")
    found = [paths.user_config_file(), paths.user_library(), paths.log_folder()]
    assert all(file.is_relative_to(home) for file in found)
    assert len({file.parent for file in found}) == 3


def test_the_nearest_project_wins(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert paths.find_project(inner) is None
    (tmp_path / "vidctl.toml").touch()
    assert paths.find_project(inner) == tmp_path / "vidctl.toml"
    (tmp_path / "a" / "vidctl.toml").touch()
    assert paths.find_project(inner) == tmp_path / "a" / "vidctl.toml"


def test_a_folder_of_that_name_is_no_project(tmp_path: Path) -> None:
    (tmp_path / "vidctl.toml").mkdir()
    assert paths.find_project(tmp_path) is None
