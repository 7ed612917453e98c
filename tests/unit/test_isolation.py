"""What ``conftest`` promises to every test."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
from harness import MOMENT, Clock, Runner, Spawner

from vidctl import paths
from vidctl.ids import decode, new_id


def test_the_home_is_empty_and_nobodys(home: Path) -> None:
    assert Path.home() == home
    assert list(home.iterdir()) == []
    assert paths.user_library().is_relative_to(home)


def test_settings_from_outside_do_not_reach_in() -> None:
    leaked = [name for name in os.environ if name.startswith(("OPENAI_", "CLOUDINARY_"))]
    assert leaked == []
    assert [name for name in os.environ if name.startswith("VIDCTL_")] == ["VIDCTL_HOME"]
    assert "NO_COLOR" not in os.environ
    assert os.environ["COLUMNS"] == "80"


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("vidctl.invalid", 443)])
def test_other_machines_are_out_of_reach(address: tuple[str, int]) -> None:
    with pytest.raises(Exception, match=r"socket\.getaddrinfo") as caught:
        socket.create_connection(address, timeout=1)
    assert type(caught.value).__name__ == "NetworkUsed"


def test_nor_by_a_bare_socket() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as bare,
        pytest.raises(Exception, match=r"socket\.connect"),
    ):
        bare.connect(("192.0.2.1", 80))


def test_this_machine_is_within_reach() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_command_runs_in_a_folder_of_its_own(run: Runner, spawn: Spawner, tmp_path: Path) -> None:
    before = Path.cwd()
    for call in (run, spawn):
        shown = call("config", "get", "media.host")
        assert (shown.code, shown.out, shown.err) == (0, "folder\n", "")
    assert Path.cwd() == before
    assert list(tmp_path.iterdir()) == []


def test_the_clock_and_ids_can_be_fixed(frozen: Clock) -> None:
    assert time.time_ns() == MOMENT * 1_000_000
    first, second = decode(new_id()), decode(new_id())
    assert first >> 80 == MOMENT
    assert first < second
    frozen.milliseconds += 5
    assert decode(new_id()) >> 80 == MOMENT + 5
