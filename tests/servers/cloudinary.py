"""A Cloudinary on this machine: its upload, admin and delivery addresses, and faults on demand.

It speaks to the vendor's own SDK and checks what the service checks: signatures, the age of a
request, content ranges and the least size of a part. Bodies are written to files as they arrive,
so that uploads of gigabytes need no memory. ``calls`` is the ledger of all that was asked.

What it answers follows https://cloudinary.com/documentation/image_upload_api_reference and
https://cloudinary.com/documentation/admin_api. ``python -m servers.cloudinary`` in
``tests`` runs one.
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servers.cloudinary_http import Call, Handler, Http, Refused
from servers.multipart import BLOCK

if TYPE_CHECKING:
    from vidctl.hosts.cloudinary import CloudinaryHost

LEAST_PART = 5 << 20
STALE = 3600.0
UNSIGNED = ("file", "api_key", "signature", "resource_type", "cloud_name")
# cut       the connection ends in the middle of the body, nothing happened
# lost      all is done as asked, and the connection ends before the answer
# hang      no answer until the server closes
# 401 … 503 that status, with a JSON error
# not_json  a page instead of JSON, with status 200; 502 is a page as well
# twice     the answer is sent two times
# flip      a bit is other than sent, and the etag is that of what was stored
# lie       a bit is other than sent, and the etag is that of what was sent
# truncate  the second half is missing, and size and etag are those of what was stored
# wrong_size, wrong_etag, wrong_signature, no_etag: the bytes are right, the answer is not
FAULTS = (
    *("cut", "lost", "hang", "400", "401", "403", "404", "409", "420", "429", "500", "502", "503"),
    *("not_json", "twice", "flip", "lie", "truncate"),
    *("wrong_size", "wrong_etag", "wrong_signature", "no_etag"),
)


class CloudinaryServer:
    """A context manager that answers on ``address`` for one cloud with one key.

    ``faults`` holds one fault for each of the next calls, "" for none; ``fault`` is asked about
    each call where ``faults`` is empty. ``assets`` maps (resource type, public id) to what the
    service says of an asset, ``path`` its file.
    """

    def __init__(
        self,
        *,
        cloud: str = "demo",
        key: str = "271828182845904",
        secret: str = "Pp_n0t-a-real-s3cret",
        least_part: int = LEAST_PART,
        latency: float = 0.0,
        fault: Callable[[Call], str | None] | None = None,
        port: int = 0,
    ) -> None:
        self.cloud, self.key, self.secret = cloud, key, secret
        self.least_part, self.latency, self.fault = least_part, latency, fault
        self.retry_after = "1"
        self.algorithm = "sha1"
        self.faults: deque[str] = deque()
        self.calls: list[Call] = []
        self.assets: dict[tuple[str, str], dict[str, Any]] = {}
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.folder = Path(tempfile.mkdtemp(prefix="cloudinary-"))
        self.uploads: dict[str, dict[int, int]] = {}
        self._numbers = 0
        self._http = Http(("127.0.0.1", port), Handler)
        self._http.service = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> CloudinaryServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering, end open connections and forget everything."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.cut_all()
        self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def address(self) -> str:
        """Where the service is: ``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def key_text(self) -> str:
        """The key as people keep it: ``cloudinary://KEY:SECRET@CLOUD``."""
        return f"cloudinary://{self.key}:{self.secret}@{self.cloud}"

    def host(self, *, name: str = "cloudinary", **options: Any) -> CloudinaryHost:
        """Return a host of vidctl's that talks to this server and never pauses.

        Its parts are of 64 KiB unless ``part_mb`` says otherwise: see ``least_part``.
        """
        from vidctl.hosts.cloudinary import CloudinaryHost

        settings = {"api": self.address, "part_mb": 1 / 16, "timeout": 20.0, **options}
        host = CloudinaryHost.configured(name, settings, lambda: self.key_text)
        host.sleep = lambda seconds: None
        return host

    def of(self, what: str) -> list[Call]:
        """Return the calls of one sort: upload, destroy, resource, ping or delivery."""
        return [call for call in self.calls if call["what"] == what]

    def content(self, resource_type: str, public_id: str) -> bytes:
        """Return the bytes of an asset."""
        return Path(self.assets[resource_type, public_id]["path"]).read_bytes()

    def damage(self, resource_type: str, public_id: str, content: bytes) -> None:
        """Replace an asset's bytes by others; the service knows their size and etag."""
        asset = self.assets[resource_type, public_id]
        Path(asset["path"]).write_bytes(content)
        asset["bytes"], asset["etag"] = len(content), _md5(Path(asset["path"]))

    def forget_uploads(self) -> None:
        """Forget the parts of uploads that are not done, as the service does after a while."""
        with self.lock:
            self.uploads.clear()

    def sign(self, parameters: dict[str, str]) -> str:
        """Return the signature of an upload request."""
        return self.digest(to_sign(parameters) + self.secret)

    def digest(self, text: str) -> str:
        """Return the hash that signatures are made of."""
        return hashlib.new(self.algorithm, text.encode()).hexdigest()

    def choose_fault(self, call: Call) -> str:
        """Return the fault of a call and write the call down."""
        with self.lock:
            self.calls.append(call)
            if self.faults:
                return self.faults.popleft()
        return (self.fault(call) if self.fault else None) or ""

    def new_file(self) -> Path:
        """Return the name of a file that is not there yet."""
        with self.lock:
            self._numbers += 1
            return self.folder / f"{self._numbers}.bytes"

    # --- what the service does ------------------------------------------------------------------

    def check_signed(self, fields: dict[str, str], cloud: str) -> None:
        """Refuse a request that the key did not sign, or did so long ago."""
        if cloud != self.cloud:
            raise Refused(401, f"Invalid cloud_name {cloud}")
        if fields.get("api_key") != self.key:
            raise Refused(401, f"Unknown API key {fields.get('api_key', '')}")
        stamp = fields.get("timestamp", "0")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > STALE:
            raise Refused(400, f"Stale request - reported time is {stamp}")
        if not hmac.compare_digest(fields.get("signature", ""), self.sign(fields)):
            said = fields.get("signature", "")
            raise Refused(401, f"Invalid Signature {said}. String to sign - '{to_sign(fields)}'.")

    def take(self, call: Call, fields: dict[str, str], body: Path, name: str, fault: str) -> Any:
        """Take an upload, whole or a part of one, and return the answer."""
        size = body.stat().st_size
        if not size:
            raise Refused(400, "Empty file")
        if call["range"] is None:
            return self._store(call, fields, body, name, fault)
        first, last, total = call["range"]
        if last - first + 1 != size or last >= total:
            raise Refused(400, "Content-Range does not match the body")
        is_last = last + 1 == total
        if not is_last and size < self.least_part:
            raise Refused(400, "All parts except EOF-chunk must be larger than 5mb")
        whole = self.folder / f"upload-{hashlib.md5(call['upload_id'].encode()).hexdigest()}"
        with self.lock:
            parts = self.uploads.setdefault(call["upload_id"], {})
            if not parts:
                whole.unlink(missing_ok=True)
            parts[first] = size
        whole.touch()
        with whole.open("r+b") as target, body.open("rb") as source:
            target.seek(first)
            shutil.copyfileobj(source, target, BLOCK)
        body.unlink()
        if not is_last:
            said = {"kind": "upload", "resource_type": call["resource_type"], "type": "upload"}
            return {"done": False, "public_id": fields.get("public_id", ""), **said}
        if not _is_whole(parts, total):
            raise Refused(400, f"Upload {call['upload_id']} is not complete or has expired")
        with self.lock:
            self.uploads.pop(call["upload_id"], None)
        return self._store(call, fields, whole.rename(self.new_file()), name, fault)

    def _store(
        self, call: Call, fields: dict[str, str], path: Path, name: str, fault: str
    ) -> dict[str, Any]:
        """Make an asset of a file, unless there is one that may not be overwritten."""
        public_id = fields.get("public_id") or path.stem
        kind = call["resource_type"]
        sent = _md5(path)
        if fault in ("flip", "lie", "truncate"):
            _damage(path, fault)
        with self.lock:
            there = self.assets.get((kind, public_id))
            if there is not None and fields.get("overwrite") in ("0", "false"):
                path.unlink()
                return {**self._said(there), "existing": True}
            version = int(time.time()) + len(self.calls)
            asset = {
                "asset_id": hashlib.md5(public_id.encode()).hexdigest(),
                "public_id": public_id,
                "version": version,
                "resource_type": kind,
                "type": "upload",
                "format": "" if kind == "raw" else _format(name),
                "bytes": path.stat().st_size,
                "etag": sent if fault == "lie" else _md5(path),
                "tags": [tag for tag in fields.get("tags", "").split(",") if tag],
                "original_filename": Path(name).stem,
                "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "path": str(path),
                "fields": fields,
            }
            self.assets[kind, public_id] = asset
            return self._said(asset)

    def _said(self, asset: dict[str, Any]) -> dict[str, Any]:
        """Return what an upload answers about an asset, signed."""
        signed = f"public_id={asset['public_id']}&version={asset['version']}{self.secret}"
        return {**self.shown(asset), "signature": self.digest(signed)}

    def shown(self, asset: dict[str, Any]) -> dict[str, Any]:
        """Return what the admin interface says of an asset."""
        ending = f".{asset['format']}" if asset["format"] else ""
        place = f"{self.cloud}/{asset['resource_type']}/upload/v{asset['version']}"
        address = f"{self.address}/{place}/{asset['public_id']}{ending}"
        known = {key: value for key, value in asset.items() if key not in ("path", "fields")}
        return {**known, "url": address, "secure_url": address}

    def destroy(self, kind: str, public_id: str) -> dict[str, Any]:
        """Remove an asset."""
        with self.lock:
            gone = self.assets.pop((kind, public_id), None)
        if gone is not None:
            Path(gone["path"]).unlink(missing_ok=True)
        return {"result": "ok" if gone else "not found"}


def to_sign(parameters: dict[str, str]) -> str:
    """Return what a signature of version 2 covers: all that is said but the file and the key."""
    signed = {k: v for k, v in parameters.items() if k not in UNSIGNED and v != ""}
    return "&".join(sorted(f"{k}={v}".replace("&", "%26") for k, v in signed.items()))


def _is_whole(parts: dict[int, int], total: int) -> bool:
    """Tell whether parts (offset -> size) cover a file without a gap."""
    reached = 0
    for first, size in sorted(parts.items()):
        if first > reached:
            return False
        reached = max(reached, first + size)
    return reached == total


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _damage(path: Path, fault: str) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        if fault == "truncate":
            file.truncate(size // 2)
            return
        file.seek(size // 2)
        byte = file.read(1)[0]
        file.seek(size // 2)
        file.write(bytes([byte ^ 1]))


def _format(name: str) -> str:
    """Return the format that the service finds in a file; here its name stands for its bytes."""
    ending = Path(name).suffix.lower().removeprefix(".")
    return {"jpeg": "jpg", "": "mp4"}.get(ending, ending)


def main() -> None:
    """Run one until the process is interrupted; say its address and key on standard output."""
    with CloudinaryServer(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print(server.address, server.key_text, flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
