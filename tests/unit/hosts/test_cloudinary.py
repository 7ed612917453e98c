"""What is particular about media at Cloudinary, against a server that speaks to its SDK."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.cloudinary import CloudinaryServer

from vidctl.errors import (
    Conflict,
    KeyRefused,
    MissingKey,
    NotFound,
    NotVerified,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    UsageError,
    VidctlError,
)
from vidctl.hosts.cloudinary import CloudinaryHost
from vidctl.model.media import Asset, Content
from vidctl.retry import Retry

GROUP = "01jgzzzzzz7000000000000000"
SMALL = os.urandom(5_000)
LARGE = os.urandom(200_000)  # four parts of 64 KiB


def content_of(data: bytes, suffix: str = ".mp4", group: str = GROUP) -> Content:
    return Content(group, hashlib.sha256(data).hexdigest(), len(data), suffix)


def name_of(data: bytes) -> str:
    return f"vidctl/{GROUP}/{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def service() -> Iterator[CloudinaryServer]:
    with CloudinaryServer(least_part=1 << 16) as server:
        yield server


@pytest.fixture
def host(service: CloudinaryServer) -> Iterator[CloudinaryHost]:
    host = service.host()
    yield host
    host.close()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.mp4"
    path.write_bytes(SMALL)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.mp4"
    path.write_bytes(LARGE)
    return path


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "kind", "ending"),
    [
        (".mp4", "video", ".mp4"),
        (".MP3", "video", ".mp3"),
        (".jpg", "image", ".jpg"),
        (".vtt", "raw", ".vtt"),
        (".php", "raw", ".bin"),
        ("", "raw", ".bin"),
    ],
)
def test_the_ending_says_what_it_is_at_cloudinary(
    suffix: str,
    kind: str,
    ending: str,
    service: CloudinaryServer,
    host: CloudinaryHost,
    small: Path,
) -> None:
    stored = host.put(small, content_of(SMALL, suffix))
    assert stored.locator == f"{kind}/{name_of(SMALL)}{ending}"
    assert stored.locator == host.locate(content_of(SMALL, suffix))
    public_id = name_of(SMALL) + (ending if kind == "raw" else "")
    assert service.content(kind, public_id) == SMALL
    assert host.url(stored.locator) == (
        f"{service.address}/demo/{kind}/upload/v1/{name_of(SMALL)}{ending}"
    )
    asset = host.stat(stored.locator)
    assert asset is not None
    assert (asset.size, asset.etag) == (len(SMALL), hashlib.md5(SMALL).hexdigest())
    host.remove(stored.locator)
    assert service.assets == {}


def test_people_get_the_bytes_from_cloudinary() -> None:
    host = CloudinaryHost("archive", {"cloud": "acme"}, lambda: "")
    locator = f"video/{name_of(SMALL)}.mp4"
    assert host.url(locator) == (
        f"https://res.cloudinary.com/acme/video/upload/v1/{name_of(SMALL)}.mp4"
    )
    elsewhere = {"cloud": "acme", "api": "https://api-eu.cloudinary.com/"}
    assert CloudinaryHost("eu", elsewhere, lambda: "").url(locator) == host.url(locator)


@pytest.mark.parametrize(
    "locator",
    [
        *("", "x", "../../etc/passwd", "/etc/passwd", "a\0b", f"video/{GROUP}/{'a' * 64}.mp4"),
        *(f"video/vidctl/{GROUP}/{'a' * 64}", f"video/vidctl/{GROUP}/{'a' * 64}.exe"),
        *(f"image/vidctl/{GROUP}/{'a' * 64}.mp4", f"video/../{GROUP}/{'a' * 64}.mp4"),
        *(f"video/vidctl/../{GROUP}/{'a' * 64}.mp4", f"video/vidctl/{GROUP}/{'a' * 64}.mp4\n"),
        f"video//vidctl/{GROUP}/{'a' * 64}.mp4",
    ],
)
def test_locators_made_by_others_are_missing_and_ask_nobody(
    locator: str, service: CloudinaryServer, host: CloudinaryHost, tmp_path: Path
) -> None:
    assert host.stat(locator) is None
    assert not host.exists(locator, size=0)
    assert host.url(locator) == ""
    host.remove(locator)
    with pytest.raises(NotFound):
        host.fetch(locator, tmp_path / "out.mp4", content_of(SMALL))
    assert service.calls == []


def test_a_group_and_a_hash_must_be_such(host: CloudinaryHost, small: Path) -> None:
    for broken in (content_of(SMALL, group="../x"), Content(GROUP, "ab", 5, ".mp4")):
        with pytest.raises(UsageError):
            host.put(small, broken)


# --- settings and keys --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "api",
    [
        *(
            "http://api.cloudinary.com",
            "ftp://127.0.0.1",
            "127.0.0.1:80",
            "https://",
            "https://a:b",
        ),
        *("https://u:p@api.cloudinary.com", "https://api.cloudinary.com/?a=1", "http://10.0.0.1"),
        *("http://127.0.0.1.example.org", "http://localhost.example.org", "http://[::1"),
    ],
)
def test_the_key_never_leaves_in_the_clear(api: str) -> None:
    with pytest.raises(UsageError) as caught:
        CloudinaryHost.configured("archive", {"api": api}, lambda: "")
    assert caught.value.hint.startswith("vidctl config set hosts.archive.api https://")


@pytest.mark.parametrize("api", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1/"])
def test_a_stand_in_on_this_machine_needs_no_tls(api: str) -> None:
    assert CloudinaryHost.configured("here", {"api": api}, lambda: "").api == api.rstrip("/")


@pytest.mark.parametrize("folder", ["..", "a/../b", "/a", "a//b", "a b", "ä", "a/"])
def test_a_folder_must_be_one(folder: str) -> None:
    with pytest.raises(UsageError):
        CloudinaryHost("archive", {"folder": folder}, lambda: "")


def test_parts_are_not_smaller_than_the_service_takes() -> None:
    with pytest.raises(UsageError, match="5 MB"):
        CloudinaryHost("archive", {"part_mb": 1.0}, lambda: "")
    assert CloudinaryHost("archive", {"part_mb": 6.0}, lambda: "").part_size == 6 << 20
    assert CloudinaryHost("archive", {"part_mb": 0.0}, lambda: "").part_size == 20_000_000


@pytest.mark.parametrize(
    "key",
    [
        *("", "nonsense", "key:s3cr3t-word", "https://key:s3cr3t-word@demo", "cloudinary://demo"),
        *(
            "cloudinary://key@demo",
            "cloudinary://key:s3cr3t-word@",
            "cloudinary://[key:s3cr3t-word",
        ),
        "cloudinary://key:s3cr3t-word@de mo",
    ],
)
def test_a_key_that_is_none_is_refused_unspoken(key: str, service: CloudinaryServer) -> None:
    host = CloudinaryHost("archive", {"api": service.address}, lambda: key)
    with pytest.raises(KeyRefused) as caught:
        host.check()
    assert "s3cr3t-word" not in str(caught.value)
    assert caught.value.hint == "vidctl keys set archive"
    assert service.calls == []


def test_no_key_at_all(service: CloudinaryServer, small: Path) -> None:
    def none() -> str:
        raise MissingKey("there is no key for archive", hint="vidctl keys set archive")

    host = CloudinaryHost("archive", {"api": service.address}, none)
    for act in (host.check, lambda: host.put(small, content_of(SMALL))):
        with pytest.raises(MissingKey):
            act()


def test_a_secret_with_marks_in_it(small: Path) -> None:
    with CloudinaryServer(secret="a:b/c@d%e&f=g h?") as service:
        text = "cloudinary://271828182845904:a%3Ab%2Fc%40d%25e%26f%3Dg%20h%3F@demo"
        host = CloudinaryHost("x", {"api": service.address}, lambda: text)
        assert host.check() == "cloud demo"
        assert host.put(small, content_of(SMALL)).size == len(SMALL)
        host.close()


@pytest.mark.parametrize("where", ["check", "put", "stat", "remove"])
def test_a_wrong_key_is_refused_unspoken(
    where: str, service: CloudinaryServer, small: Path
) -> None:
    host = service.host()
    host._key = lambda: f"cloudinary://{service.key}:wrong-s3cret@demo"
    locator = f"video/{name_of(SMALL)}.mp4"
    act = {
        "check": host.check,
        "put": lambda: host.put(small, content_of(SMALL)),
        "stat": lambda: host.stat(locator),
        "remove": lambda: host.remove(locator),
    }
    with pytest.raises(KeyRefused) as caught:
        act[where]()
    said = f"{caught.value} {caught.value.hint} {caught.value.__cause__} {caught.value.item}"
    for private in (service.key, service.secret, "wrong-s3cret", "timestamp"):
        assert private not in said
    assert "vidctl keys set cloudinary" in said
    host.close()


def test_signatures_stay_out_of_messages(service: CloudinaryServer) -> None:
    from vidctl.hosts.cloudinary.service import Account, Service

    own = Service(Account("demo", "12345", "s3cr3t"), name="archive", api="", timeout=1)
    signature = hashlib.sha1(b"x").hexdigest()
    said = own.shown(
        f"Invalid Signature {signature}. String to sign - 'public_id=a&timestamp=1s3cr3t'."
    )
    assert said == "Invalid Signature ***"
    assert own.shown("key 12345\x1b[31m of s3cr3t") == "key *** [31m of ***"
    assert "s3cr3t" not in repr(own.account)


# --- the SDK's settings and ours ----------------------------------------------------------------


def test_two_hosts_at_once_never_mix(tmp_path: Path) -> None:
    """The SDK keeps its settings for the whole process; here no call depends on them."""
    files = []
    for number in range(12):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(os.urandom(3_000))
        files.append(path)
    with (
        CloudinaryServer(cloud="one", key="1", secret="first") as one,
        CloudinaryServer(cloud="two", key="2", secret="second") as two,
    ):
        failures: list[Exception] = []

        def send(server: CloudinaryServer) -> None:
            host = server.host()
            try:
                for path in files:
                    host.put(path, content_of(path.read_bytes()))
            except VidctlError as error:
                failures.append(error)
            finally:
                host.close()

        threads = [threading.Thread(target=send, args=(server,)) for server in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(one.assets) == len(two.assets) == len(files)
        assert {call["cloud"] for call in one.calls} == {"one"}
        assert {call["cloud"] for call in two.calls} == {"two"}


FOREIGN = {
    "CLOUDINARY_CLOUD_NAME": "other",
    "CLOUDINARY_API_KEY": "0",
    "CLOUDINARY_API_SECRET": "other",
    "CLOUDINARY_OAUTH_TOKEN": "token",
    "CLOUDINARY_UPLOAD_PRESET": "theirs",
    "CLOUDINARY_UPLOAD_PREFIX": "http://192.0.2.1",
    "CLOUDINARY_SIGNATURE_ALGORITHM": "sha256",
}
SEND = """
import sys
from pathlib import Path
from vidctl.errors import VidctlError
from vidctl.hosts.cloudinary import CloudinaryHost
from vidctl.model.media import Content
api, key, path, sha256, size = sys.argv[1:]
host = CloudinaryHost("x", {"api": api, "timeout": 5}, lambda: key)
try:
    host.put(Path(path), Content("g", sha256, int(size), ".mp4"))
except VidctlError as error:
    sys.exit(f"{error.code}: {error}")
"""


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (FOREIGN, ""),
        ({"CLOUDINARY_URL": "cloudinary://0:other@other"}, ""),
        ({"CLOUDINARY_URL": "nonsense"}, "usage: the environment variable CLOUDINARY_URL"),
    ],
)
def test_the_environment_does_not_reach_through(
    environ: dict[str, str], said: str, service: CloudinaryServer, small: Path
) -> None:
    content = content_of(SMALL)
    words = (service.address, service.key_text, str(small), content.sha256, str(content.size))
    done = subprocess.run(
        [sys.executable, "-c", SEND, *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr.startswith(said) if said else done.stderr == ""
    assert len(service.assets) == (0 if said else 1)
    assert all(asset["fields"].get("upload_preset") is None for asset in service.assets.values())


def test_an_upload_says_what_the_settings_say(
    service: CloudinaryServer, small: Path, large: Path
) -> None:
    host = service.host(
        folder="shows/2026",
        preset="plain",
        tags="one,two & three",
        context="source=vidctl|show=a&b",
        eager="w_400,h_300|sp_hd",
        auto_transcription=True,
        notification_url="https://example.org/hook?x=1&y=2",
    )
    for path, data in ((small, SMALL), (large, LARGE)):
        host.put(path, content_of(data))
    sent = service.of("upload")
    assert len(sent) == 5
    for call in sent:  # each part carries all of it, and the server checked its signature
        fields = call["fields"]
        assert fields["public_id"].startswith(f"shows/2026/{GROUP}/")
        assert fields["upload_preset"] == "plain"
        assert fields["tags"] == "one,two & three"
        assert fields["context"] == "source=vidctl|show=a&b"
        assert fields["eager"] == "w_400,h_300|sp_hd"
        assert fields["eager_async"] == "1"
        assert fields["auto_transcription"] == "true"
        assert fields["notification_url"] == "https://example.org/hook?x=1&y=2"
        assert fields["overwrite"] == "0"
    host.close()


def test_nothing_that_costs_is_asked_for_unasked(
    service: CloudinaryServer, host: CloudinaryHost, small: Path
) -> None:
    host.put(small, content_of(SMALL))
    (call,) = service.of("upload")
    assert call["fields"].keys() == {"api_key", "overwrite", "public_id", "signature", "timestamp"}


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("400", RemoteFailed),
        ("401", KeyRefused),
        ("403", KeyRefused),
        ("404", NotFound),
        ("409", Conflict),
        ("420", RateLimited),
        ("429", RateLimited),
        ("500", RemoteUnavailable),
        ("502", RemoteUnavailable),
        ("503", RemoteUnavailable),
        ("cut", RemoteUnavailable),
        ("hang", RemoteUnavailable),
        ("not_json", RemoteUnavailable),
    ],
)
def test_each_answer_is_one_error(
    fault: str, error: type[VidctlError], service: CloudinaryServer, small: Path
) -> None:
    service.fault = lambda call: fault
    host = service.host(timeout=0.2)
    host.retry = Retry(attempts=2)
    locator = f"video/{name_of(SMALL)}.mp4"
    for act in (host.check, lambda: host.stat(locator), lambda: host.remove(locator)):
        if fault == "404" and act is not host.check:
            continue  # there, that is no failure
        with pytest.raises(error) as caught:
            act()
        assert type(caught.value) is error
        assert "cloudinary" in str(caught.value)
        assert service.secret not in str(caught.value)
    host.close()


def test_nobody_is_there(service: CloudinaryServer, small: Path) -> None:
    host = service.host()
    service.close()
    host.retry = Retry(attempts=2)
    for act in (host.check, lambda: host.put(small, content_of(SMALL))):
        with pytest.raises(RemoteUnavailable, match=r"^cloudinary cannot be reached$"):
            act()


def test_a_service_without_tls_gets_nothing(service: CloudinaryServer) -> None:
    host = service.host(api=service.address.replace("http://", "https://"))
    with pytest.raises(RemoteFailed, match=r"^a safe connection to cloudinary cannot be made$"):
        host.check()
    assert service.calls == []


@pytest.mark.parametrize(("header", "after"), [("7", 7.0), ("0", 0.0), ("soon", 3600.0)])
def test_how_long_to_wait_is_heard(
    header: str, after: float, service: CloudinaryServer, small: Path
) -> None:
    """The SDK drops the header; without one, the service says when its limit ends."""
    service.retry_after = header
    host = service.host()
    host.retry = Retry(attempts=1)
    service.fault = lambda call: "429"
    for act in (host.check, lambda: host.put(small, content_of(SMALL))):
        with pytest.raises(RateLimited) as caught:
            act()
        assert caught.value.after == pytest.approx(after, abs=5)


def test_a_clock_that_is_wrong_is_said_to_be(
    service: CloudinaryServer, host: CloudinaryHost, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cloudinary.utils

    monkeypatch.setattr(cloudinary.utils, "now", lambda: "1700000000")
    with pytest.raises(RemoteFailed, match="clock of this machine"):
        host.put(small, content_of(SMALL))
    assert service.assets == {}


def test_each_try_is_signed_anew(
    service: CloudinaryServer, host: CloudinaryHost, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    import cloudinary.utils

    ticks = iter(range(10))
    monkeypatch.setattr(cloudinary.utils, "now", lambda: str(int(time.time()) + next(ticks)))
    service.faults.extend(["", "lost", "500"])
    host.put(small, content_of(SMALL))
    service.faults.extend(["", "503"])
    other = small.with_name("other.mp4")
    other.write_bytes(LARGE[:5000])
    host.put(other, content_of(LARGE[:5000]))
    stamps = [call["fields"]["timestamp"] for call in service.of("upload") if "fields" in call]
    assert len(set(stamps)) == len(stamps) == 2


def test_an_empty_file_is_the_services_to_refuse(host: CloudinaryHost, tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(RemoteFailed, match="Empty file"):
        host.put(path, content_of(b""))


# --- putting ------------------------------------------------------------------------------------


def test_what_is_there_is_not_sent_again(
    service: CloudinaryServer, host: CloudinaryHost, small: Path, large: Path
) -> None:
    first = [host.put(path, content_of(data)) for path, data in ((small, SMALL), (large, LARGE))]
    service.calls.clear()
    again = [host.put(path, content_of(data)) for path, data in ((small, SMALL), (large, LARGE))]
    assert again == first
    # A small file costs less than a question to the admin interface, which allows few an hour.
    assert [call["what"] for call in service.calls] == ["upload", "resource"]
    assert service.calls[0]["fields"]["overwrite"] == "0"
    assert len(service.assets) == 2


def test_a_service_that_does_not_say_what_is_there(
    service: CloudinaryServer, host: CloudinaryHost, small: Path
) -> None:
    """The admin interface allows few calls an hour; uploads go on without it."""
    stored = host.put(small, content_of(SMALL))
    service.fault = lambda call: "420" if call["what"] == "resource" else ""
    assert host.put(small, content_of(SMALL)) == stored
    assert len(service.assets) == 1
    assert len(service.of("upload")) == 2


@pytest.mark.parametrize("damage", [SMALL[:100], b"x" * len(SMALL)], ids=["short", "other"])
def test_wrong_bytes_under_our_name_are_replaced(
    damage: bytes, service: CloudinaryServer, host: CloudinaryHost, small: Path
) -> None:
    stored = host.put(small, content_of(SMALL))
    service.damage("video", name_of(SMALL), damage)
    assert host.put(small, content_of(SMALL)) == stored
    assert service.content("video", name_of(SMALL)) == SMALL
    fields = service.of("upload")[-1]["fields"]
    assert (fields["overwrite"], fields["invalidate"]) == ("1", "1")


def test_bytes_that_are_right_are_kept_whatever_the_checksum_says(
    service: CloudinaryServer, host: CloudinaryHost, small: Path
) -> None:
    host.put(small, content_of(SMALL))
    service.assets["video", name_of(SMALL)]["etag"] = "not-an-md5"
    host.put(small, content_of(SMALL))
    assert [call["fields"]["overwrite"] for call in service.of("upload")] == ["0", "0"]
    assert len(service.of("delivery")) == 1


def test_reading_back_on_request(service: CloudinaryServer, small: Path, large: Path) -> None:
    host = service.host(verify="read")
    for path, data in ((small, SMALL), (large, LARGE)):
        host.put(path, content_of(data))
    assert [call["bytes"] for call in service.of("delivery")] == [len(SMALL), len(LARGE)]
    host.close()


@pytest.mark.parametrize("fault", ["wrong_size", "wrong_etag", "wrong_signature", "no_etag"])
def test_a_doubtful_answer_is_settled_by_reading_back(
    fault: str, service: CloudinaryServer, host: CloudinaryHost, small: Path
) -> None:
    service.faults.append(fault)
    host.put(small, content_of(SMALL))
    assert service.content("video", name_of(SMALL)) == SMALL
    assert len(service.of("delivery")) == 1


@pytest.mark.parametrize(
    ("fault", "verify"), [("flip", "checksum"), ("truncate", "checksum"), ("lie", "read")]
)
def test_what_is_not_right_is_not_left(
    fault: str, verify: str, service: CloudinaryServer, small: Path, large: Path
) -> None:
    host = service.host(verify=verify)
    for path, data in ((small, SMALL), (large, LARGE)):
        service.fault = lambda call: fault if call["what"] == "upload" else ""
        with pytest.raises(NotVerified) as caught:
            host.put(path, content_of(data))
        assert caught.value.item == str(path)
        assert service.assets == {}
    host.close()


def test_wrong_bytes_are_replaced_without_the_admin_interface(
    service: CloudinaryServer, host: CloudinaryHost, small: Path, large: Path
) -> None:
    for path, data in ((small, SMALL), (large, LARGE)):
        host.put(path, content_of(data))
        service.damage("video", name_of(data), b"damaged")
    service.fault = lambda call: "420" if call["what"] == "resource" else ""
    for path, data in ((small, SMALL), (large, LARGE)):
        host.put(path, content_of(data))
        assert service.content("video", name_of(data)) == data


def test_an_answer_cannot_send_us_elsewhere(
    service: CloudinaryServer, host: CloudinaryHost, small: Path
) -> None:
    with CloudinaryServer() as elsewhere:
        shown = service.shown
        service.shown = lambda asset: {  # type: ignore[method-assign]
            **shown(asset),
            "etag": "?",
            "secure_url": f"{elsewhere.address}/demo/video/upload/{name_of(SMALL)}.mp4",
        }
        stored = host.put(small, content_of(SMALL))
        assert elsewhere.calls == []
        asset = host.stat(stored.locator)
        assert asset == Asset(stored.locator, len(SMALL), "?", host.url(stored.locator))
    for url in (
        "http://res.cloudinary.com/x",
        "https://res.cloudinary.com.example.org/x",
        "https://user@res.cloudinary.com/x",
        "file:///etc/passwd",
        "https://169.254.169.254/x",
    ):
        assert host.delivery.trusted(url) == ""
    kept = "https://acme-res.cloudinary.com/x"
    assert host.delivery.trusted(kept) == kept


def test_a_file_that_changed_makes_no_asset(
    service: CloudinaryServer, host: CloudinaryHost, small: Path, large: Path
) -> None:
    small.write_bytes(SMALL[::-1])
    large.write_bytes(LARGE + b"still recording")
    for path, data in ((small, SMALL), (large, LARGE)):
        with pytest.raises(Conflict, match="changed while it was being sent"):
            host.put(path, content_of(data))
    assert service.assets == {}
    with pytest.raises(NotFound):
        host.put(small.with_name("none.mp4"), content_of(SMALL))


def test_parts_name_their_place_and_share_an_id(
    service: CloudinaryServer, host: CloudinaryHost, large: Path
) -> None:
    host.put(large, content_of(LARGE))
    sent = service.of("upload")
    part, total = 1 << 16, len(LARGE)
    assert [call["range"] for call in sent] == [
        (0, part - 1, total),
        (part, 2 * part - 1, total),
        (2 * part, 3 * part - 1, total),
        (3 * part, total - 1, total),
    ]
    assert len({call["upload_id"] for call in sent}) == 1
    assert host.meter(total) == {"bytes": total, "requests": 4}


def test_the_same_file_from_several_threads_is_one_asset(
    service: CloudinaryServer, host: CloudinaryHost, small: Path
) -> None:
    stored: list[Any] = []
    threads = [
        threading.Thread(target=lambda: stored.append(host.put(small, content_of(SMALL))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored) == 6
    assert len(set(stored)) == len(service.assets) == 1


# --- getting ------------------------------------------------------------------------------------


def test_fetching_goes_on_where_it_broke(
    service: CloudinaryServer, host: CloudinaryHost, large: Path, tmp_path: Path
) -> None:
    stored = host.put(large, content_of(LARGE))
    service.faults.extend(["cut", "503", "cut"])
    heard: list[float] = []
    target = tmp_path / "out.mp4"
    host.fetch(stored.locator, target, content_of(LARGE), lambda done, _: heard.append(done))
    assert target.read_bytes() == LARGE
    assert heard == sorted(heard)
    assert heard[-1] == len(LARGE)
    assert sum(call["bytes"] for call in service.of("delivery")) < 1.5 * len(LARGE)


@pytest.mark.parametrize(
    "damage", [LARGE[:-1], LARGE + b"x", b"x" * len(LARGE)], ids=["short", "long", "other"]
)
def test_fetching_damaged_bytes_leaves_nothing(
    damage: bytes, service: CloudinaryServer, host: CloudinaryHost, large: Path, tmp_path: Path
) -> None:
    stored = host.put(large, content_of(LARGE))
    service.damage("video", name_of(LARGE), damage)
    target = tmp_path / "out.mp4"
    heard: list[float] = []
    with pytest.raises(NotVerified):
        host.fetch(stored.locator, target, content_of(LARGE), lambda done, _: heard.append(done))
    assert bool(heard) is (len(damage) == len(LARGE))  # another size is no use to read
    assert list(tmp_path.iterdir()) == [large]
    host.remove(stored.locator)
    with pytest.raises(NotFound):
        host.fetch(stored.locator, target, content_of(LARGE))
    assert list(tmp_path.iterdir()) == [large]


def test_fetching_asks_for_the_format_it_was_stored_in(
    service: CloudinaryServer, host: CloudinaryHost, small: Path, tmp_path: Path
) -> None:
    """Cloudinary calls a .mpg "mpeg", and converts what is asked for under another ending."""
    stored = host.put(small, content_of(SMALL, ".mpg"))
    service.assets["video", name_of(SMALL)]["format"] = "mpeg"
    target = tmp_path / "out.mpg"
    host.fetch(stored.locator, target, content_of(SMALL, ".mpg"))
    assert target.read_bytes() == SMALL


def test_there_is_no_file_here(host: CloudinaryHost, small: Path) -> None:
    stored = host.put(small, content_of(SMALL))
    with pytest.raises(UsageError):
        host.path(stored.locator)
    assert host.orphans() == []
    host.abort("any", stored.locator)
    assert host.exists(stored.locator, size=len(SMALL))


def test_a_preset_that_changes_names_is_an_error(
    service: CloudinaryServer, host: CloudinaryHost, small: Path, large: Path
) -> None:
    """Bytes that are right, but not under the name that will be asked for."""
    take = service.take
    service.take = lambda call, fields, *rest: take(  # type: ignore[method-assign]
        call, {**fields, "public_id": f"prefix/{fields['public_id']}"}, *rest
    )
    for path, data in ((small, SMALL), (large, LARGE)):
        with pytest.raises(RemoteFailed, match="under another name") as caught:
            host.put(path, content_of(data))
        assert "preset" in caught.value.hint
