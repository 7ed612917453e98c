"""Costs: written down before a call, capped for everybody together, and shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cost_samples import PRICE, SIZE, counted, dear_cloud, pay, shown, sized, upload
from harness import Clock, Runner
from servers.cloudinary import CloudinaryServer

from vidctl.config import Config
from vidctl.errors import Conflict, LibraryLocked, LimitReached
from vidctl.library import Library
from vidctl.store import leases


@pytest.fixture
def cloud(
    run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudinaryServer]:
    with dear_cloud(run, monkeypatch) as server:
        yield server


@pytest.fixture
def opened(run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.chdir(run.folder)
    made = Library.open(Config())
    yield made
    made.close()


# --- uploads ------------------------------------------------------------------------------------


def test_an_upload_is_written_down_once(run: Runner, cloud: CloudinaryServer) -> None:
    (file,) = sized(run)
    planned = run.ok("cost", "estimate", "upload", file, "--json").data
    assert (planned["service"], planned["amount"]) == ("cloudinary", PRICE)
    assert shown(run) == [], "an estimate is no call"
    upload(run, "-n", file)
    assert shown(run) == [], "nor is a rehearsal"
    assert upload(run, file).code == 0
    (row,) = shown(run)
    assert row["units"] == planned["items"][0]["units"] == {"bytes": SIZE, "requests": 1}
    named = (row["service"], row["operation"], row["host"])
    assert named == ("cloudinary", "upload", "cloudinary")
    assert (row["amount"], row["state"]) == (PRICE, "spent")
    assert upload(run, file).code == 0
    assert len(shown(run)) == 1
    text = run.ok("cost", "show")
    assert text.out.split("\t")[1:] == [
        *("cloudinary", "upload", "talk-0000", "10.0 kB, 1 request", "$0.01", "\n"),
    ]
    assert text.err == "$0.01 in 1 call\n"


def test_a_folder_costs_nothing_and_is_not_written_down(run: Runner, library: Path) -> None:
    (file,) = sized(run)
    run.ok("cost", "cap", "--month", "0.000001")
    assert upload(run, file).code == 0
    assert shown(run) == []
    said = run.ok("cost", "estimate", "upload", file)
    assert "costs nothing" in said.err
    assert said.out.split("\t")[-2:] == ["free", "\n"]


def test_what_is_free_today_is_counted_all_the_same(run: Runner, cloud: CloudinaryServer) -> None:
    run.ok("config", "set", "prices.cloudinary.gigabyte", "0")
    run.ok("cost", "cap", "--month", "0.000001")
    assert upload(run, *sized(run)).code == 0
    (row,) = shown(run)
    assert (row["amount"], row["units"]["bytes"]) == (0, SIZE)


def test_a_cap_ends_a_run_before_the_call(run: Runner, cloud: CloudinaryServer) -> None:
    files = sized(run, count=5)
    run.ok("cost", "cap", "--run", "0.025")
    ended = upload(run, *files)
    assert ended.code == 8
    assert len(cloud.assets) == len(shown(run)) == 2
    (error,) = [each for each in ended.envelope["errors"] if each["code"] == "limit"]
    assert error["message"] == (
        "this upload would cost $0.01, and $0.005 is left of the cap of $0.025 a run"
    )
    assert error["hint"] == "vidctl cost cap --run USD"
    assert upload(run, *files).code == 8, "the next run has its own money"
    assert len(cloud.assets) == 4
    run.ok("cost", "cap", "--run", "0", "--month", "0.045")
    assert upload(run, *files).code == 8
    assert len(cloud.assets) == 4
    run.ok("cost", "cap", "--month", "0.05")
    assert upload(run, *files).code == 0
    assert len(cloud.assets) == len(shown(run)) == 5


def test_threads_cannot_pass_a_cap_together(run: Runner, cloud: CloudinaryServer) -> None:
    cloud.latency = 0.05
    files = sized(run, count=16)
    run.ok("cost", "cap", "--month", "0.05")
    ended = upload(run, *files, "-j", "8")
    assert ended.code == 8
    assert len(cloud.assets) == 5
    assert sum(row["amount"] for row in shown(run)) == pytest.approx(0.05)


def test_without_a_key_nothing_is_spent(
    run: Runner, cloud: CloudinaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = sized(run)
    monkeypatch.delenv("VIDCTL_CLOUDINARY_KEY")
    assert upload(run, file).code == 4
    assert shown(run) == []


def test_bytes_that_are_there_are_not_paid_again_and_those_that_are_gone_are(
    run: Runner, cloud: CloudinaryServer
) -> None:
    (file,) = sized(run)
    upload(run, file)
    run.ok("podcasts", "rm", "talk-0000", "--purge", "-y")
    assert cloud.assets == {}
    assert upload(run, file).code == 0
    assert len(shown(run)) == 2
    run.ok("config", "set", "prices.cloudinary.gigabyte", "0")
    (place,) = cloud.assets
    held = cloud.assets[place]
    run.ok("podcasts", "rm", "talk-0000", "--purge", "-y")
    cloud.assets[place] = held
    assert upload(run, file).code == 0
    assert len(shown(run)) == 2, "it had been paid for, and was there"


def test_the_ledger_names_the_item_that_bytes_became(
    run: Runner, cloud: CloudinaryServer, opened: Library
) -> None:
    one, other = sized(run, count=2)
    cloud.fault = lambda call: "flip" if call["what"] == "upload" else ""
    assert upload(run, one).code == 3
    (row,) = shown(run)
    assert (row["item"], row["itemId"]) == (None, None), "there is no item yet"
    cloud.fault = None
    assert upload(run, one).code == 0
    assert upload(run, "--replace", "talk-0000", other).code == 0
    thing_id = opened.resolve("talk-0000").id
    assert [(row["item"], row["itemId"]) for row in shown(run)] == [("talk-0000", thing_id)] * 2
    run.ok("podcasts", "edit", "talk-0000", "--title", "Speech", "--slug", "speech")
    run.ok("media", "move", "speech", "--to", "folder", "--delete-source", "-y")
    assert len(cloud.assets) == 1, "the former version stays where it is"
    assert [row["item"] for row in shown(run)] == ["speech"] * 2, "as it is called now"
    run.ok("media", "move", "speech", "--to", "cloudinary")
    assert {row["item"] for row in shown(run)} == {"speech"}
    assert len(shown(run)) > 2, "those that are paid once more are named as well"
    run.ok("podcasts", "rm", "speech", "--purge", "-y")
    assert {row["item"] for row in shown(run)} == {None}
    assert run.ok("cost", "show").out.splitlines()[0].split("\t")[3] == "cloudinary"


# --- showing ------------------------------------------------------------------------------------


def test_sums_and_spans(run: Runner, opened: Library, frozen: Clock) -> None:
    day = 86_400_000
    for number, (operation, service, units) in enumerate(
        (
            ("upload", "s3", {"bytes": 1e9, "requests": 2000}),
            ("upload", "cloudinary", {"bytes": 1e9}),
            ("transcribe", "openai", {"seconds": 600}),
            ("embed", "openai", {"tokens": 1e6}),
        )
    ):
        with opened.costs.spend(operation, service, f"key {number}", units):
            pass
        frozen.milliseconds += 20 * day
    rows = shown(run)
    assert [row["amount"] for row in rows] == [0.02, 0.06, 0.44, 0.01]
    data = run.ok("cost", "show", "--by", "month", "--json").data
    assert (data["calls"], data["amount"]) == (4, 0.53)
    assert [(row["month"], row["calls"], row["amount"]) for row in data["items"]] == [
        ("2025-01", 2, 0.45),
        ("2025-02", 1, 0.06),
        ("2025-03", 1, 0.02),
    ]
    by = {row["service"]: row for row in shown(run, "--by", "service")}
    assert (by["openai"]["calls"], by["openai"]["amount"]) == (2, 0.08)
    assert by["openai"]["units"] == {"seconds": 600, "tokens": 1_000_000}
    assert [row["operation"] for row in shown(run, "--by", "operation")] == [
        *("embed", "transcribe", "upload"),
    ]
    assert [row["day"] for row in shown(run, "--by", "day")] == [
        *("2025-01-07", "2025-01-27", "2025-02-16", "2025-03-08"),
    ]
    spans = ("--since", "2025-01-08", "--until", "2025-02-17")
    assert [row["amount"] for row in shown(run, *spans)] == [0.06, 0.44]
    cut = run.ok("cost", "show", "--limit", "1")
    assert "3 older calls not shown" in cut.err
    assert "$0.53 in 4 calls" in cut.err
    assert run.ok("cost", "show", "--by", "service").out.splitlines()[1] == (
        "openai\t2\t10:00, 1,000,000 tokens\t$0.08\t"
    )
    assert run("cost", "show", "--since", "soon").code == 2


def test_each_group_sees_its_own_costs_and_the_cap_is_everybodys(
    run: Runner, cloud: CloudinaryServer
) -> None:
    run.ok("groups", "add", "default/below")
    files = sized(run, count=3)
    run.ok("cost", "cap", "--month", "0.02")
    assert upload(run, files[0]).code == 0
    assert upload(run, files[1], "-g", "default/below").code == 0
    assert upload(run, files[2], "-g", "default/below").code == 8
    assert [len(shown(run, *more)) for more in ([], ["-g", "default/below"], ["-r"])] == [1, 1, 2]
    assert run.ok("cost", "cap", "--json").data == {"run": 0, "month": 0.02, "spent": 0.02}


# --- caps ---------------------------------------------------------------------------------------


def test_caps_are_settings(run: Runner, library: Path) -> None:
    assert run.ok("cost", "cap").out == "run    no cap\nmonth  no cap, $0.00 spent\n"
    run.ok("cost", "cap", "--run", "1.5", "-n")
    assert run.ok("config", "get", "cost.cap_run").out == "0.0\n"
    assert run.ok("cost", "cap", "--run", "1.5", "--json").data["run"] == 1.5
    assert run.ok("config", "get", "cost.cap_run").out == "1.5\n"
    run.ok("cost", "cap", "--month", "20", "--user")
    assert run.ok("cost", "cap", "--json").data == {"run": 1.5, "month": 20, "spent": 0}
    before = (run.folder / "vidctl.toml").read_bytes()
    for words in (
        ["--run", "-1"],
        ["--month", "nan"],
        ["--month", "inf"],
        ["--run", "lots"],
        ["--run", "5", "--month", "-1"],
        ["--user"],
    ):
        assert run("cost", "cap", *words).code == 2, words
    assert (run.folder / "vidctl.toml").read_bytes() == before


def test_only_who_keeps_the_library_sees_and_caps(run: Runner, library: Path) -> None:
    for name, type, role in (
        ("Oda", "user", "org_owner"),
        ("Ana", "creator", "org_user"),
        ("Cleo", "user", "customer"),
    ):
        run.ok("people", "add", name, "--type", type, "--role", role)
    for words in (["show"], ["cap"], ["cap", "--run", "9"]):
        for who in ("ana", "cleo"):
            assert run("cost", *words, "--as", who).code == 4, (words, who)
        run.ok("cost", *words, "--as", "oda")
    assert run.ok("cost", "cap", "--json", "--as", "oda").data["spent"] is None
    assert run.ok("cost", "cap", "--json").data == {"run": 9, "month": 0, "spent": 0}


# --- for whoever calls a service ----------------------------------------------------------------


def test_paid_work_is_not_paid_again_unless_that_is_meant(opened: Library) -> None:
    with opened.costs.spend("transcribe", "openai", "key", {"seconds": 60}) as bill:
        with pytest.raises(LibraryLocked, match="paying for the same transcribe"):
            pay(opened)
        bill.used({"seconds": 30})
    assert counted(opened) == [("spent", 0.003)]
    with pytest.raises(Conflict, match="has been paid for already"):
        pay(opened)
    pay(opened, mode="always")
    assert counted(opened) == [("spent", 0.006), ("spent", 0.003)]


def test_a_limit_is_not_paid(opened: Library) -> None:
    opened.config.flags["cost.cap_run"] = 0.01
    pay(opened)
    other = opened.again()
    try:
        with pytest.raises(LimitReached, match=r"cap of \$0.01 a run"):
            pay(other, mode="always")
    finally:
        other.close()
    assert counted(opened) == [("spent", 0.006)]


def test_a_cap_below_what_is_counted_is_still_a_cap(opened: Library) -> None:
    opened.config.flags["cost.cap_month"] = 1e-9
    with pytest.raises(LimitReached, match=r"\$0.000001 is left of the cap of \$0.000001 a month"):
        pay(opened)
    assert counted(opened) == []


def test_another_process_that_pays_is_waited_for_until_it_is_gone(
    opened: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(leases, "this_worker", lambda: "another-machine:1:nonce")
        entered = opened.costs.spend("transcribe", "openai", "key", {"seconds": 60})
        entered.__enter__()
    with pytest.raises(LibraryLocked):
        pay(opened)
    assert counted(opened) == [("reserved", 0.006)]


# A job of six chunks: each is asked for and kept, and the service writes down what it did.
JOB = """
import sys, time
from pathlib import Path
from vidctl.config import Config
from vidctl.library import Library

library, calls = Library.open(Config()), Path(sys.argv[1])
thing = library.resolve("talk")
job = library.store.jobs.claim(thing.id, "transcribe", "key")
kept = library.store.jobs.parts(job)
for chunk in range(6):
    if chunk in kept:
        continue
    key, units = f"chunk {chunk}", {"seconds": 60}
    with library.costs.spend("transcribe", "openai", key, units, thing=thing):
        with calls.open("a") as file:
            file.write(f"{chunk}\\n")
        time.sleep(0.02)
        library.store.jobs.save_part(job, chunk, f"text {chunk}")
print("done")
"""


def test_a_job_that_is_killed_pays_for_a_chunk_a_kill_at_most(
    run: Runner, library: Path, tmp_path: Path
) -> None:
    """Requirement 30: calls are at most chunks and kills; a job that is through makes none."""
    run.ok("podcasts", "add", "--title", "talk")
    calls = tmp_path / "calls"
    calls.touch()
    kills = 0
    while kills < 6:
        seen = calls.stat().st_size
        process = subprocess.Popen([sys.executable, "-c", JOB, str(calls)], cwd=tmp_path)
        while calls.stat().st_size == seen and process.poll() is None:
            time.sleep(0.002)
        time.sleep(0.005 * kills)
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills, "no kill struck"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", JOB, str(calls)], cwd=tmp_path, capture_output=True, timeout=60
        )
        assert done.stdout == b"done\n", done.stderr.decode()
        made = calls.read_text(encoding="utf-8").split()
    assert set(made) == set("012345")
    assert len(made) <= 6 + kills
    rows = shown(run)
    assert {row["item"] for row in rows} == {"talk"}
    assert len(made) <= len(rows) <= 6 + kills, "what may have been billed counts"
    # Of a chunk whose answer was kept just before a kill the bill is never settled.
    assert {row["state"] for row in rows} <= {"spent", "unknown"}
