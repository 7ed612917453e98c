"""No key shows up anywhere: sentinel keys go in by every way there is, and nothing comes out.

Every command that could touch a key runs against services that fail in every way, and one that
quotes the key back. Then stdout, stderr, logs, the library, backups, exports and what was uploaded
are searched for the keys: raw, percent-encoded, base64 at all three alignments, hexadecimal, as
JSON and ``repr`` write them, and for their first eight characters.
"""

from __future__ import annotations

import base64
import functools
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import keyring
import pytest
from harness import CAPTIONS, Result, Runner, Spawner, write_tone
from servers import cloudinary_http as emulator
from servers.cloudinary import CloudinaryServer
from servers.s3 import ACCESS, SECRET, S3Server, running_s3

from vidctl.retry import Retry

BACKENDS = str(Path(__file__).parents[1] / "unit" / "keys")
API_KEY, API_SECRET = "867530986753098", "cAnArY/one+cl0udinary&Secret~0123"
CLOUDINARY = f"cloudinary://{API_KEY}:{quote(API_SECRET, safe='')}@demo"
OPENAI = "sk-canary-Three+0123456789abcdefghij"
S3 = f"{ACCESS}:{SECRET}"
KEYS = {"cloudinary": CLOUDINARY, "archive": S3, "openai": OPENAI}
PIECES = (API_KEY, API_SECRET, quote(API_SECRET, safe=""), ACCESS, SECRET, OPENAI, CLOUDINARY, S3)
# The beginnings of secrets; an id of a key, and "cloudinary://", begin like other text.
SECRETS = (API_SECRET, SECRET, OPENAI)
NOWHERE = "http://127.0.0.1:9"


def cores(value: str) -> Iterator[str]:
    """Yield what base64 makes of a value at each alignment, without what neighbours change."""
    raw = value.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            text = encode(b"u" * before + raw + b"u").decode()
            yield text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


def forms() -> dict[bytes, str]:
    """What to search for, and what each is."""
    found: dict[str, str] = {}
    for value in PIECES:
        found |= dict.fromkeys(cores(value), "base64")
        found |= {value.encode().hex(): "hex", repr(value)[1:-1]: "repr"}
        found |= {json.dumps(value)[1:-1]: "json", quote_plus(value): "percent"}
        found |= {quote(value): "percent", quote(value, safe=""): "percent", value: "raw"}
    found |= {value[:8]: "its beginning" for value in SECRETS}
    return {text.encode(): what for text, what in found.items()}


FORMS = forms()


def hits(content: bytes) -> list[str]:
    """Return which forms of keys are in some bytes."""
    return [f"{what} {text!r}" for text, what in FORMS.items() if text in content]


# --- the ways in --------------------------------------------------------------------------------

Way = Callable[[Runner, pytest.MonkeyPatch, Path], None]


def by_variable(run: Runner, patch: pytest.MonkeyPatch, outside: Path) -> None:
    for name, value in KEYS.items():
        patch.setenv(f"VIDCTL_{name.upper()}_KEY", value)


def by_its_own_variable(run: Runner, patch: pytest.MonkeyPatch, outside: Path) -> None:
    patch.setenv("CLOUDINARY_URL", CLOUDINARY)
    patch.setenv("OPENAI_API_KEY", OPENAI)
    patch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def by_file(run: Runner, patch: pytest.MonkeyPatch, outside: Path) -> None:
    for name, value in KEYS.items():
        (outside / name).write_text(value + "\n", encoding="utf-8")
        patch.setenv(f"VIDCTL_{name.upper()}_KEY_FILE", str(outside / name))


def by_command(run: Runner, patch: pytest.MonkeyPatch, outside: Path) -> None:
    for name, value in KEYS.items():
        code = f"import sys; print({value!r}); sys.stderr.write({value!r})"
        command = shlex.join([sys.executable, "-c", code])
        patch.setenv(f"VIDCTL_{name.upper()}_KEY_COMMAND", command)


def by_keyring(run: Runner, patch: pytest.MonkeyPatch, outside: Path) -> None:
    patch.syspath_prepend(BACKENDS)
    patch.setenv("TEST_KEYRING", str(outside / "ring.json"))
    import backends

    keyring.set_keyring(backends.FileRing())
    for name, value in KEYS.items():
        run.ok("keys", "set", name, stdin=value)


def by_credentials(run: Runner, patch: pytest.MonkeyPatch, outside: Path) -> None:
    for name, value in KEYS.items():
        run.ok("keys", "set", name, "--insecure-storage", stdin=value)


WAYS: dict[str, Way] = {
    "variable": by_variable,
    "its own variable": by_its_own_variable,
    "file": by_file,
    "command": by_command,
    "keyring": by_keyring,
    "credentials": by_credentials,
}


@pytest.fixture
def _keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


# --- the world ----------------------------------------------------------------------------------


@dataclass
class World:
    """Commands and everything that they left behind."""

    run: Runner
    cloud: CloudinaryServer
    bucket: S3Server
    home: Path
    said: list[tuple[str, Result]] = field(default_factory=list)
    tones: int = 0

    def __call__(self, *words: str, **options: object) -> Result:
        """Run a command both for people and as JSON, with everything that can be said."""
        plain = self.run(*words, "-v", "-v", **options)
        self.said.append((" ".join(words), plain))
        shaped = self.run(*words, "-v", "-v", "--json", **options)
        self.said.append((" ".join([*words, "--json"]), shaped))
        return plain

    def tone(self) -> str:
        """Write a media file that is like no other, and return its name."""
        self.tones += 1
        write_tone(self.run.folder / f"t{self.tones}.wav", seconds=0.1 + self.tones / 100)
        return f"t{self.tones}.wav"

    def leaks(self) -> list[str]:
        """Return every place that holds a key in some form."""
        found = []
        for words, result in self.said:
            found += [f"{words}: {hit}" for hit in hits((result.out + result.err).encode())]
        for root in (self.run.folder, self.home):
            for file in sorted(root.rglob("*")):
                if file.is_file() and file.name != "credentials.toml":
                    found += [f"{file}: {hit}" for hit in hits(file.read_bytes())]
        # A request names the id of the key that signed it; no metadata of an asset does.
        kept = [
            {**asset, "fields": {**asset["fields"], "api_key": ""}}
            for asset in self.cloud.assets.values()
        ]
        assets = json.dumps(kept, default=str)
        found += [f"uploaded to cloudinary: {hit}" for hit in hits(assets.encode())]
        for name, content in self.bucket.objects.items():
            found += [f"uploaded to s3: {hit}" for hit in hits(name.encode() + content)]
        return found


@pytest.fixture
def world(
    run: Runner, library: Path, home: Path, tone: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A library with Cloudinary and S3, which fail as the tests ask them to."""
    hurried = functools.partial(Retry, attempts=2, base=0.01, cap=0.02)
    monkeypatch.setattr("vidctl.hosts.cloudinary.host.Retry", hurried)
    monkeypatch.setattr("vidctl.hosts.s3.bucket.Retry", hurried)
    with CloudinaryServer(key=API_KEY, secret=API_SECRET) as cloud, running_s3() as bucket:
        cloud.retry_after = "0"
        for key, value in (
            ("embed.engine", "none"),
            ("hosts.cloudinary.api", cloud.address),
            ("hosts.cloudinary.timeout", "0.5"),
            ("hosts.cloudinary.context", "source=vidctl"),
            ("hosts.archive.kind", "s3"),
            ("hosts.archive.bucket", bucket.bucket),
            ("hosts.archive.endpoint", bucket.address),
            ("hosts.archive.timeout", "0.5"),
        ):
            run.ok("config", "set", key, value)
        (run.folder / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")
        yield World(run, cloud, bucket, home)


READING = (
    *("hosts list", "hosts check", "keys list", "config show", "config path", "status"),
    *("config get hosts.cloudinary.api", "doctor", "doctor --verify-data", "doctor --fix"),
    *("cost show", "cost estimate upload t1.wav --to cloudinary", "uploads list"),
    *("uploads orphans", "events list", "events export", "podcasts list", "podcasts show t1"),
    *("media list t1", "search kingfisher --mode text", "analytics summary", "whoami"),
    "hosts verify cloudinary t1.wav --timestamp 1790000000 --signature 00",
)
FAULTS = ("400", "401", "403", "409", "429", "500", "503", "cut", "hang", "not_json", "flip")
S3_FAULTS = ("403", "429", "503", "cut", "key", "signature", "flip", "full", "page")


@pytest.mark.usefixtures("_keyring")
@pytest.mark.parametrize("way", WAYS)
def test_no_key_comes_out(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    way: str,
) -> None:
    WAYS[way](world.run, monkeypatch, tmp_path_factory.mktemp("outside"))
    # The keys work: else nothing below would prove anything.
    for host in ("cloudinary", "archive"):
        assert world("upload", world.tone(), "--to", host).code == 0, world.said
    assert world("hosts", "check").code == 0
    for words in READING:
        result = world(*words.split())
        assert result.code in (0, 3, 7), (words, result)
    world.run.ok("backup", "copy.db")
    world.run.ok("events", "export", "-o", "events.jsonl")
    # Where a key came from makes no difference to how services fail.
    if way in ("its own variable", "file"):
        _with_faults(world, monkeypatch)
        world.run.ok("backup", "copy-after.db")
    assert world.leaks() == []


def _with_faults(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let services fail, quote the key back, and be away; nothing may crash."""
    for status in (400, 401, 500):
        quoted = f"no {API_SECRET}: {CLOUDINARY} {quote(API_SECRET)} {API_SECRET[:12]}***"
        coded = base64.b64encode(f"{API_KEY}:{API_SECRET}".encode()).decode()
        monkeypatch.setitem(emulator.SAID, status, f"{quoted} Basic {coded}")
    for fault in FAULTS:
        world.cloud.fault = functools.partial(_always, fault)
        result = world("upload", world.tone(), "--to", "cloudinary")
        assert result.code not in (0, 70), (fault, result)
    for words in ("hosts check", "doctor --verify-data", "uploads list", "uploads resume --yes"):
        assert world(*words.split()).code != 70
    for fault in S3_FAULTS:
        world.bucket.fault = functools.partial(_always, fault)
        result = world("upload", world.tone(), "--to", "archive")
        assert result.code not in (0, 70), (fault, result)
    world("hosts", "check")
    world.run("podcasts", "rm", "t1", "--purge", "--yes", "--json")
    for key in ("hosts.cloudinary.api", "hosts.archive.endpoint"):
        world.run.ok("config", "set", key, NOWHERE)
    for host in ("cloudinary", "archive"):
        assert world("upload", world.tone(), "--to", host).code not in (0, 70)
    for words in ("hosts check", "doctor --verify-data", "uploads orphans", "cost show"):
        assert world(*words.split()).code != 70


def _always(fault: str, call: object) -> str:
    return fault


# --- crashes, settings, and refusals ------------------------------------------------------------


@pytest.mark.parametrize("way", ["variable", "file", "credentials"])
def test_a_bug_tells_no_key(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    way: str,
) -> None:
    WAYS[way](world.run, monkeypatch, tmp_path_factory.mktemp("outside"))

    def crash(self: object, *arguments: object, **options: object) -> None:
        key = self.account  # type: ignore[attr-defined]
        coded = base64.b64encode(f"{key.key}:{key.secret}".encode()).decode()
        cause = ValueError(f"{key!r} {key.secret} Basic {coded}")
        raise RuntimeError({"auth": (key.key, key.secret), "url": CLOUDINARY}) from cause

    monkeypatch.setattr("vidctl.hosts.cloudinary.service.Service.upload", crash)
    monkeypatch.setattr("vidctl.hosts.cloudinary.service.Service.ping", crash)
    assert world("upload", world.tone(), "--to", "cloudinary").code == 70
    assert world("hosts", "check", "cloudinary").code == 70
    logs = [file.read_text() for file in (world.home / "vidctl" / "log").iterdir()]
    assert logs
    assert all("RuntimeError" in log and "key>" in log for log in logs)
    assert world.leaks() == []


BAD_SETTINGS = {
    "hosts.cloudinary.api": CLOUDINARY,
    "hosts.archive.endpoint": f"https://{quote(ACCESS)}:{quote(SECRET, safe='')}@s3.example.org",
    "hosts.cloudinary.kind": CLOUDINARY,
    "hosts.archive.part_mb": f"https://me:{quote(SECRET, safe='')}@example.org",
    "media.host": CLOUDINARY,
}


@pytest.mark.parametrize("key", BAD_SETTINGS)
def test_a_key_in_the_settings_is_not_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """People put keys there although nobody told them to: in a variable, or in the file."""
    by_variable(world.run, monkeypatch, Path())
    refused = world("config", "set", key, BAD_SETTINGS[key])
    assert refused.code == 2
    monkeypatch.setenv("VIDCTL_" + key.upper().replace(".", "_"), BAD_SETTINGS[key])
    for words in READING:
        assert world(*words.split()).code != 70, (words, world.said[-1])
    for host in ("cloudinary", "archive"):
        assert world("upload", world.tone(), "--to", host).code != 70
    assert world.leaks() == []


def test_wrong_keys_are_refused_without_being_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KEYS:
        for other in KEYS:
            # Each key given to the wrong service, on stdin, as an argument and as a name.
            world("keys", "set", name, "--insecure-storage", "-n", stdin=KEYS[other] + " x")
            world("keys", "set", name, KEYS[other])
            world("keys", "rm", KEYS[other])
    monkeypatch.setenv("VIDCTL_CLOUDINARY_KEY", OPENAI)
    monkeypatch.setenv("VIDCTL_ARCHIVE_KEY", CLOUDINARY)
    for host in ("cloudinary", "archive"):
        assert world("upload", world.tone(), "--to", host).code == 4
    assert world("hosts", "check").code == 7
    assert world.leaks() == []


def test_processes_say_no_more_than_this_one(world: World, spawn: Spawner) -> None:
    """Libraries log to stderr in a process of its own, if they do."""
    env = {"VIDCTL_CLOUDINARY_KEY": CLOUDINARY, "VIDCTL_ARCHIVE_KEY": S3}
    env |= {"PYTHONDEVMODE": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    for host, fault in (("cloudinary", ""), ("cloudinary", "401"), ("archive", "")):
        world.cloud.fault = functools.partial(_always, fault)
        words = ("upload", world.tone(), "--to", host, "-v", "-v")
        world.said.append((" ".join(words), spawn(*words, env=env)))
    assert [result.code for _, result in world.said] == [0, 4, 0], world.said
    assert world.leaks() == []


# --- the search itself --------------------------------------------------------------------------


@pytest.mark.parametrize("value", [API_SECRET, SECRET, OPENAI], ids=["cloudinary", "s3", "openai"])
def test_the_search_finds_each_form(value: str) -> None:
    """So that finding nothing above means that there is nothing."""
    written = [value, quote(value), quote_plus(value), repr({"k": value}), json.dumps([value])]
    written += [value[:8] + "***", value.encode().hex()]
    for before in range(4):
        pair = b"x" * before + value.encode() + b":rest"
        written += [base64.b64encode(pair).decode(), base64.urlsafe_b64encode(pair).decode()]
    for text in written:
        assert hits(f"<{text}>".encode()), text
    assert hits(b"nothing here but cloudinary://KEY:SECRET@CLOUD and AKIA") == []
