"""How fast uploads are, and in how much memory: many small files at once, one large file.

Usage: python tests/benchmarks/uploads.py [small] [large] [--files 1000] [--size 2e9]

``small`` takes files in one at a time and eight at a time, to a service that adds 50 ms to each
answer. ``large`` sends one sparse file to every kind of host and compares with a plain copy over a
socket to the same server, in parts of the same size and over one connection. Each upload is a
process of its own; its memory is the high-water mark that Linux keeps (VmHWM).
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import uuid
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from servers.cloudinary import CloudinaryServer  # noqa: E402

LATENCY = 0.05
LEAST_SPEED_UP, LEAST_SHARE, MOST_MEMORY = 5.0, 0.7, 200.0
BLOCK = 1 << 20
RATE = 8000
CLOUDINARY_PART, S3_PART = 20_000_000, 8 << 20
TOOK = "took"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["small", "large"])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--size", type=float, default=2e9)
    parser.add_argument("--folder", type=Path, default=None, help="where files are made")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="vidctl-uploads-") as folder:
        if "small" in given.parts:
            small(Path(folder), given.files)
        if "large" in given.parts:
            large(Path(folder), int(given.size))


# --- many small files ---------------------------------------------------------------------------


def small(folder: Path, count: int) -> None:
    """Print how much faster eight files at a time are."""
    taken = {}
    for jobs in (1, 8):
        with CloudinaryServer(latency=LATENCY) as server, library(folder) as place:
            inbox = place / "in"
            inbox.mkdir()
            for number in range(count):
                write_wav(inbox / f"{number:05}.wav", RATE * 2, mark=number)
            use_cloudinary(place, server)
            env = {"CLOUDINARY_URL": server.key_text}
            began = time.perf_counter()
            vidctl(place, "upload", "in", "-j", str(jobs), "--no-loudness", "-q", env=env)
            taken[jobs] = time.perf_counter() - began
            assert len(server.assets) == count, len(server.assets)
    ratio = taken[1] / taken[8]
    print(f"| {count:,} small files, {LATENCY * 1000:.0f} ms | seconds | files/s |")
    print("| --- | --- | --- |")
    for jobs, seconds in taken.items():
        print(f"| -j {jobs} | {seconds:.1f} | {count / seconds:.1f} |")
    print(f"\n{ratio:.1f} times as fast (at least {LEAST_SPEED_UP:g}): {verdict(ratio >= 5)}\n")


# --- one large file -----------------------------------------------------------------------------


def large(folder: Path, size: int) -> None:
    """Print memory and speed of one large file to every kind of host."""
    print(f"| {size / 1e9:.1f} GB | plain MB/s | vidctl MB/s | share | peak MB | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind, serve in (("folder", to_folder), ("cloudinary", to_cloudinary), ("s3", to_s3)):
        with library(folder) as place:
            file = write_wav(place / "large.wav", size)
            plain, sent = serve(place, file)
            file.unlink()
        share = plain / sent["send"]
        good = share >= LEAST_SHARE and sent["peak"] < MOST_MEMORY
        speeds = f"{size / plain / 1e6:.0f} | {size / sent['send'] / 1e6:.0f}"
        print(f"| {kind} | {speeds} | {share:.0%} | {sent['peak']:.0f} | {verdict(good)} |")


def to_folder(place: Path, file: Path) -> tuple[float, dict[str, float]]:
    """Copy the file on this disk: plainly, then as the folder host does."""
    began = time.perf_counter()
    with file.open("rb") as source, (place / "copy.wav").open("wb") as target:
        while block := source.read(BLOCK):
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    plain = time.perf_counter() - began
    (place / "copy.wav").unlink()
    return plain, upload(place, "folder", file, {})


def to_cloudinary(place: Path, file: Path) -> tuple[float, dict[str, float]]:
    """Send the file to a Cloudinary on this machine."""
    with CloudinaryServer() as server:
        fields = {"api_key": server.key, "public_id": "plain", "timestamp": str(int(time.time()))}
        signed = {**fields, "signature": server.sign(fields)}
        plan = {
            "host": server.address.removeprefix("http://"),
            "kind": "cloudinary",
            "path": f"/v1_1/{server.cloud}/video/upload",
            "fields": json.dumps(signed),
        }
        plain = plain_copy(file, plan)
        server.assets.clear()
        use_cloudinary(place, server)
        return plain, upload(place, "cloudinary", file, {"CLOUDINARY_URL": server.key_text})


def to_s3(place: Path, file: Path) -> tuple[float, dict[str, float]]:
    """Send the file to moto's S3, in a process of its own."""
    with moto_server() as address:
        bucket = f"b-{uuid.uuid4().hex[:8]}"
        ask(address, "PUT", f"/{bucket}")
        told = ask(address, "POST", f"/{bucket}/plain?uploads").decode()
        upload_id = told.partition("<UploadId>")[2].partition("<")[0]
        path = f"/{bucket}/plain?uploadId={upload_id}"
        plain = plain_copy(file, {"host": address, "kind": "s3", "path": path})
        ask(address, "DELETE", f"/{bucket}/plain")
        for name, value in (("bucket", bucket), ("endpoint", f"http://{address}")):
            vidctl(place, "config", "set", f"hosts.s3.{name}", value)
        return plain, upload(place, "s3", file, {"VIDCTL_S3_KEY": f"{'A' * 20}:{'b' * 40}"})


def upload(place: Path, host: str, file: Path, env: dict[str, str]) -> dict[str, float]:
    """Take the file in with a process of its own; seconds of sending, and its peak in MB."""
    return run_child(["upload", str(place), f"{host}:{file}"], env)


def plain_copy(file: Path, plan: dict[str, str]) -> float:
    """Return the seconds that a process takes to send the file and do nothing else."""
    return run_child(["plain", str(file), json.dumps(plan)], {})[TOOK]


def run_child(words: list[str], env: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", *words]
    done = subprocess.run(command, env={**os.environ, **env}, stdout=subprocess.PIPE, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def child(task: str, first: str, second: str) -> None:
    """Do one piece of work in this process and print how it went."""
    print(json.dumps(send_plainly(first, second) if task == "plain" else take_in(first, second)))


def take_in(place: str, target: str) -> dict[str, float]:
    """Upload a file and time its way to the host."""
    from vidctl import batch
    from vidctl.config import Config
    from vidctl.journey.ingest import Details
    from vidctl.library import Library
    from vidctl.progress import Silent

    class Timing(Silent):
        began = ended = 0.0

        def step(self, item: str, stage: str) -> None:
            if stage == "send":
                self.began = time.perf_counter()
            elif self.began and not self.ended:
                self.ended = time.perf_counter()

    host, _, file = target.partition(":")
    library = Library.open(Config(start=Path(place)))
    timing = Timing()
    plan = batch.Plan(host=host, measures_loudness=False)
    outcome = batch.upload(library, [file], Details(), plan=plan, report=timing)
    library.close()
    assert not outcome.errors, outcome.errors
    assert outcome.data["new"] == 1
    return {"send": timing.ended - timing.began, "peak": peak()}


def peak() -> float:
    """Return the most memory that this process had, in MB."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return math.nan


def send_plainly(path: str, described: str) -> dict[str, float]:
    """Send a file over one connection, part by part."""
    plan = json.loads(described)
    file, name = Path(path), uuid.uuid4().hex
    size = file.stat().st_size
    part = CLOUDINARY_PART if plan["kind"] == "cloudinary" else S3_PART
    connection = http.client.HTTPConnection(plan["host"], timeout=300)
    etags: list[str] = []
    began = time.perf_counter()
    with file.open("rb") as source:
        for number, offset in enumerate(range(0, size, part), start=1):
            data = source.read(part)
            if plan["kind"] == "cloudinary":
                method, address = "POST", plan["path"]
                data, headers = form(json.loads(plan["fields"]), data, name)
                last = min(offset + part, size) - 1
                headers |= {
                    "Content-Range": f"bytes {offset}-{last}/{size}",
                    "X-Unique-Upload-Id": name,
                }
            else:
                method, address, headers = "PUT", f"{plan['path']}&partNumber={number}", {}
            connection.request(method, address, data, headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            etags.append(answer.headers.get("ETag", ""))
    if plan["kind"] == "s3":
        # Until then the service has parts, and no file.
        connection.request("POST", plan["path"], completion(etags))
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
    return {TOOK: time.perf_counter() - began}


def completion(etags: list[str]) -> bytes:
    """Return what asks S3 to make one object of its parts."""
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in enumerate(etags, start=1)
    )
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


def form(fields: dict[str, str], data: bytes, mark: str) -> tuple[bytes, dict[str, str]]:
    """Return a body of multipart/form-data and its headers."""
    heads = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    heads.append(
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="large.wav"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = b"".join(("".join(heads).encode(), data, f"\r\n--{mark}--\r\n".encode()))
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


# --- what it takes ------------------------------------------------------------------------------


def write_wav(file: Path, size: int, *, mark: int = 0) -> Path:
    """Write sound of about ``size`` bytes: silence, so that a large file takes no room here."""
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE if size < 1e7 else 48_000)
        sound.writeframes(mark.to_bytes(4, "little"))
    head = bytearray(file.read_bytes()[:44])
    count = size // 4 * 4
    head[4:8] = (36 + count).to_bytes(4, "little")
    head[40:44] = count.to_bytes(4, "little")
    with file.open("r+b") as whole:
        whole.write(head)
        whole.truncate(44 + count)
    return file


@contextmanager
def library(folder: Path) -> Iterator[Path]:
    """Make a library in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        os.environ["VIDCTL_HOME"] = place
        vidctl(Path(place), "init")
        yield Path(place)


def use_cloudinary(place: Path, server: CloudinaryServer) -> None:
    """Send media to a Cloudinary on this machine by default."""
    vidctl(place, "config", "set", "media.host", "cloudinary")
    vidctl(place, "config", "set", "hosts.cloudinary.api", server.address)


def vidctl(place: Path, *words: str, env: dict[str, str] | None = None) -> None:
    """Run a command that must work."""
    subprocess.run(
        [sys.executable, "-m", "vidctl", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=subprocess.DEVNULL,
        check=True,
    )


MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto's S3 in a process of its own and give its host and port."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", MOTO],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        host, port = process.stdout.readline().split()
        yield f"{host}:{port}"
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def ask(address: str, method: str, path: str) -> bytes:
    """Make one request of moto's and return the answer's body."""
    scope = f"{'A' * 20}/20260101/us-east-1/s3/aws4_request"
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0"}
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, headers=signed)
    answer: Any = connection.getresponse()
    body: bytes = answer.read()
    connection.close()
    assert answer.status < 300, body
    return body


def verdict(good: bool) -> str:
    return "ok" if good else "TOO LITTLE"


if __name__ == "__main__":
    main()
