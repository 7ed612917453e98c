"""Where keys come from: the order, each source by itself, and sources that do not work."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import backends
import keyring
import pytest

from vidctl.errors import MissingKey
from vidctl.keys import Keys
from vidctl.keys.credentials import Credentials
from vidctl.keys.ring import Ring, RingUnavailable

KINDS = {"archive": "cloudinary", "cold-store": "s3", "openai": "openai"}
Use = Callable[[type], Path]


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Use]:
    """Make a keyring that of this process; the file that it keeps its passwords in."""
    before = keyring.get_keyring()
    file = tmp_path / "ring.json"
    monkeypatch.setenv("TEST_KEYRING", str(file))

    def install(backend: type) -> Path:
        keyring.set_keyring(backend())
        return file

    yield install
    keyring.set_keyring(before)


def keys(environ: dict[str, str], tmp_path: Path, **options: float) -> Keys:
    credentials = Credentials(tmp_path / "own" / "credentials.toml")
    return Keys(environ, KINDS, credentials=credentials, **options)  # type: ignore[arg-type]


def printing(text: str) -> str:
    return shlex.join([sys.executable, "-c", f"print({text!r})"])


def test_the_first_source_that_is_set_counts(tmp_path: Path, use: Use) -> None:
    use(backends.FileRing)
    (tmp_path / "key").write_text("from-file\n")
    environ = {
        "VIDCTL_ARCHIVE_KEY_FILE": str(tmp_path / "key"),
        "VIDCTL_ARCHIVE_KEY_COMMAND": printing("from-command"),
        "VIDCTL_ARCHIVE_KEY": "from-variable",
        "CLOUDINARY_URL": "from-its-own",
    }
    keys({}, tmp_path).credentials.write("archive", "from-credentials")
    Ring().write("archive", "from-keyring")
    found = []
    for source in [*environ, "keyring", "credentials"]:
        at_work = keys(environ, tmp_path)
        secret, origin = at_work.require("archive"), at_work.origin("archive")
        assert origin is not None
        assert secret.source == origin.source
        found.append((origin.source.rpartition("/")[2], secret.reveal()))
        environ.pop(source, None)
        if source == "keyring":
            Ring().remove("archive")
    assert found == [
        ("VIDCTL_ARCHIVE_KEY_FILE", "from-file"),
        ("VIDCTL_ARCHIVE_KEY_COMMAND", "from-command"),
        ("VIDCTL_ARCHIVE_KEY", "from-variable"),
        ("CLOUDINARY_URL", "from-its-own"),
        ("keyring", "from-keyring"),
        ("credentials.toml", "from-credentials"),
    ]


def test_no_source_no_key(tmp_path: Path) -> None:
    at_work = keys({"VIDCTL_ARCHIVE_KEY": ""}, tmp_path)
    assert at_work.get("archive") is None
    assert at_work.origin("archive") is None
    with pytest.raises(MissingKey) as missing:
        at_work.require("archive")
    assert missing.value.message == "there is no key for archive"
    assert missing.value.hint == "vidctl keys set archive"


def test_the_keyring_is_not_asked_when_a_variable_answers(tmp_path: Path, use: Use) -> None:
    use(backends.SlowRing)
    before = time.monotonic()
    assert keys({"VIDCTL_ARCHIVE_KEY": "abc"}, tmp_path).require("archive").reveal() == "abc"
    assert time.monotonic() - before < 2


@pytest.mark.parametrize(
    ("environ", "value"),
    [
        ({"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}, "AK:SK"),
        (
            {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_SESSION_TOKEN": "T"},
            "AK:SK:T",
        ),
        ({"AWS_ACCESS_KEY_ID": "AK"}, None),
        ({"AWS_SECRET_ACCESS_KEY": "SK"}, None),
        ({"VIDCTL_COLD_STORE_KEY": "A:B", "AWS_ACCESS_KEY_ID": "AK"}, "A:B"),
    ],
)
def test_the_variables_of_s3(tmp_path: Path, environ: dict[str, str], value: str | None) -> None:
    found = keys(environ, tmp_path).get("cold-store")
    assert (None if found is None else found.reveal()) == value


def test_another_service_does_not_get_them(tmp_path: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "OPENAI_API_KEY": "sk-1"}
    assert keys(environ, tmp_path).get("archive") is None


CANARY = "sk-canary-0123456789abcdef"
BROKEN = {
    "no such file": ({"VIDCTL_OPENAI_KEY_FILE": "/nowhere/at/all"}, "cannot be read"),
    "an empty file": ({"VIDCTL_OPENAI_KEY_FILE": "/dev/null"}, "gives no key"),
    "a folder": ({"VIDCTL_OPENAI_KEY_FILE": "/"}, "cannot be read"),
    "no such command": ({"VIDCTL_OPENAI_KEY_COMMAND": f"nowhere-{CANARY}"}, "cannot be run"),
    "an open quote": ({"VIDCTL_OPENAI_KEY_COMMAND": f"echo '{CANARY}"}, "a quote is not closed"),
    "only space": ({"VIDCTL_OPENAI_KEY_COMMAND": " "}, "is not a command"),
    "a failing command": (
        {"VIDCTL_OPENAI_KEY_COMMAND": f"sh -c 'echo {CANARY}; echo {CANARY} >&2; exit 3'"},
        "ended with 3",
    ),
    "a silent command": ({"VIDCTL_OPENAI_KEY_COMMAND": "true"}, "gives no key"),
    "an endless command": ({"VIDCTL_OPENAI_KEY_COMMAND": "yes"}, "prints more than a key"),
    "two words": ({"VIDCTL_OPENAI_KEY": f"Bearer {CANARY}"}, "gives no key"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_source_that_does_not_work_is_told_and_no_other_is_tried(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    environ, said = BROKEN[name]
    at_work = keys({**environ, "OPENAI_API_KEY": "sk-of-somebody-else"}, tmp_path)
    with pytest.raises(MissingKey, match=said) as missing:
        at_work.require("openai")
    assert next(iter(environ)) in missing.value.message
    assert CANARY not in missing.value.message + missing.value.hint + repr(missing.value.__cause__)
    assert capfd.readouterr() == ("", "")


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    script = f"(sleep 4; touch {mark}) & sleep 600"
    environ = {"VIDCTL_OPENAI_KEY_COMMAND": shlex.join(["sh", "-c", script])}
    before = time.monotonic()
    with pytest.raises(MissingKey, match=r"took more than 0\.5 seconds"):
        keys(environ, tmp_path, command_limit=0.5).require("openai")
    assert time.monotonic() - before < 3
    time.sleep(max(0.0, before + 4.6 - time.monotonic()))
    assert not mark.exists()


def test_a_command_runs_without_a_shell_and_without_our_stdin(tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1] + sys.stdin.read())"
    command = shlex.join([sys.executable, "-c", code, "$HOME;`id`"])
    found = keys({"VIDCTL_OPENAI_KEY_COMMAND": command}, tmp_path).require("openai")
    assert found.reveal() == "$HOME;`id`"


def test_a_command_runs_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    environ = {"VIDCTL_OPENAI_KEY_COMMAND": shlex.join(["sh", "-c", f"echo x >> {log}; echo k1"])}
    at_work = keys(environ, tmp_path)
    assert at_work.origin("openai") is not None
    assert not log.exists(), "to say where a key would come from, nothing is run"
    assert [at_work.require("openai").reveal() for _ in range(3)] == ["k1"] * 3
    assert log.read_text() == "x\n"


# --- the keyring --------------------------------------------------------------------------------


def test_the_keyring_keeps_and_forgets(tmp_path: Path, use: Use) -> None:
    file = use(backends.FileRing)
    at_work = keys({}, tmp_path)
    assert at_work.store("openai", CANARY, in_file=False) == "keyring"
    assert CANARY in file.read_text()
    assert keys({}, tmp_path).require("openai").reveal() == CANARY
    assert not at_work.credentials.file.exists()
    assert at_work.remove("openai") == ["keyring"]
    assert at_work.remove("openai") == []
    assert CANARY not in file.read_text()


def test_one_key_is_left_wherever_it_is_put(tmp_path: Path, use: Use) -> None:
    use(backends.FileRing)
    at_work = keys({}, tmp_path)
    at_work.store("openai", "sk-first-0001", in_file=False)
    at_work.store("openai", "sk-second-0002", in_file=True)
    assert Ring().read("openai") is None
    assert keys({}, tmp_path).require("openai").reveal() == "sk-second-0002"
    at_work.store("openai", "sk-third-00003", in_file=False)
    assert at_work.credentials.read("openai") is None
    assert at_work.require("openai").reveal() == "sk-third-00003"


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (backends.SlowRing, r"did not answer within 0\.3 seconds"),
        (backends.LockedRing, "it is locked"),
        (backends.ForgetfulRing, "switched off"),
    ],
)
def test_a_keyring_that_keeps_nothing_is_no_keyring(
    tmp_path: Path, use: Use, backend: type, reason: str
) -> None:
    use(backend)
    ring = Ring(limit=0.3)
    with pytest.raises(RingUnavailable, match=reason) as unavailable:
        ring.write("openai", CANARY)
    assert "sk-" not in str(unavailable.value)
    at_work = Keys({}, KINDS, ring=ring, credentials=Credentials(tmp_path / "own" / "c.toml"))
    assert at_work.get("openai") is None
    at_work.credentials.write("openai", CANARY)
    assert at_work.require("openai").reveal() == CANARY, "the file still counts"


def test_a_keyring_that_hangs_is_asked_once(use: Use) -> None:
    use(backends.SlowRing)
    ring = Ring(limit=0.3)
    before = time.monotonic()
    for _ in range(5):
        with pytest.raises(RingUnavailable):
            ring.read("openai")
    assert time.monotonic() - before < 1


def test_without_a_keyring_that_is_said() -> None:
    with pytest.raises(RingUnavailable, match="this machine has no keyring"):
        Ring().try_out()
    with pytest.raises(RingUnavailable, match="this machine has no keyring"):
        Ring().read("openai")


def test_without_the_package_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(RingUnavailable, match="not installed"):
        Ring().read("openai")
