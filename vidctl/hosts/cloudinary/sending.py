"""Sending one file to Cloudinary: in parts, again where it broke, and checked at the end.

Parts share an id in ``X-Unique-Upload-Id`` and say their place in ``Content-Range``:
https://cloudinary.com/documentation/upload_images#chunked_asset_upload. The SDK's own call for
large files neither tries a part again nor goes on after a crash, so parts are sent one by one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vidctl.errors import Conflict, NotFound, NotVerified, RemoteFailed, Temporary, VidctlError
from vidctl.hosts.cloudinary.underway import LEASE, UnderWay
from vidctl.model.media import Content, StoredMedia
from vidctl.model.upload import SentPart, Upload
from vidctl.ports import Sending
from vidctl.transfer import PartReader

if TYPE_CHECKING:
    from vidctl.hosts.cloudinary.host import CloudinaryHost
    from vidctl.hosts.cloudinary.names import Place

T = TypeVar("T")
Answer = Mapping[str, Any]


class Sender:
    """One file on its way to its place at a host; call ``run`` once."""

    def __init__(
        self, host: CloudinaryHost, place: Place, source: Path, content: Content, sending: Sending
    ) -> None:
        self.host, self.place = host, place
        self.source, self.content, self.sending = source, content, sending
        self.service = host.service
        self._upload: Upload | None = None
        self.under_way = UnderWay(sending, content.size, extend=self._extend, sleep=host.sleep)
        # Whether nothing was there when we began, so that what is there at the end is ours.
        self._was_missing = False

    def run(self) -> StoredMedia:
        """Send what is not there yet and return once Cloudinary is known to hold those bytes."""
        with self._journal() as upload:
            self._upload = upload
            # A small file is asked about by sending it: the answer says whether it was there, and
            # the admin interface allows few calls an hour.
            is_small = self.content.size <= self.host.part_size
            there = None if is_small else self._look(upload)
            if there is None or not self._is_right(there):
                answer, md5 = self._send(upload, is_wrong=there is not None)
                is_right = self._holds(answer, md5)
                if not is_right and answer.get("existing"):
                    self.under_way.restart()
                    answer, md5 = self._send(upload, is_wrong=True)
                    is_right = self._holds(answer, md5)
                if not is_right:
                    raise self._refusal(answer)
        self.under_way.finish()
        return StoredMedia(
            self.host.name, self.place.locator, self.content.sha256, self.content.size
        )

    @contextmanager
    def _journal(self) -> Iterator[Upload | None]:
        """Claim the file's row in the journal; a file of one part needs none."""
        uploads = self.sending.uploads
        if uploads is None or self.content.size <= self.host.part_size:
            yield None
            return
        upload = uploads.claim(
            self.host.name,
            self.place.locator,
            self.content,
            source=self.sending.origin or str(self.source),
            part_size=self.host.part_size,
            seconds=LEASE,
        )
        try:
            yield upload
        except (Conflict, NotVerified):
            uploads.drop(upload.id)
            raise
        except BaseException as error:
            uploads.finish(upload.id, error=str(error) or "stopped")
            raise
        uploads.finish(upload.id)

    def _extend(self) -> None:
        if self._upload is not None and self.sending.uploads is not None:
            self.sending.uploads.extend(self._upload.id, seconds=LEASE)

    def _tried(self, act: Callable[[], T]) -> T:
        """Do something at the service, several times if need be, until it is no longer wanted."""
        return self.under_way.run(lambda: self.host.tried(act, sleep=self.under_way.sleep))

    # --- what is there --------------------------------------------------------------------------

    def _look(self, upload: Upload | None) -> Answer | None:
        """Return what is there already; None also when the service does not say.

        The admin interface allows few calls an hour, and sending works without: it is only asked
        again and again where an earlier try may have ended in a lost answer.
        """
        look = self.service.look
        is_resumed = upload is not None and upload.remote_id
        try:
            if is_resumed:
                found = self._tried(lambda: look(self.place))
            else:
                found = self.under_way.run(lambda: look(self.place))
        except Temporary:
            return None
        self._was_missing = found is None
        return found

    def _is_right(self, there: Answer) -> bool:
        """Tell whether an asset that is there is our bytes. Raises Conflict, RemoteUnavailable."""
        reader = self._reader()
        everything = range(self.content.size // self.host.part_size + 1)
        for _ in reader.parts(self.host.part_size, everything):
            pass
        reader.verify()
        return self._holds(there, reader.md5)

    def _holds(self, answer: Answer, md5: str) -> bool:
        """Tell whether an answer is about our bytes, by its word or by reading them back."""
        return self._is_sound(answer, md5) or self._reads_back(answer)

    def _is_sound(self, answer: Answer, md5: str) -> bool:
        """Tell whether an answer's word is enough, and says what it should."""
        if self.host.options.get("verify") == "read":
            return False
        # Answers of the admin interface have no signature.
        is_genuine = "signature" not in answer or self.service.is_signed(answer)
        expected = (self.content.size, md5, self.place.public_id)
        return is_genuine and expected == tuple(
            answer.get(key) for key in ("bytes", "etag", "public_id")
        )

    def _reads_back(self, answer: Answer) -> bool:
        """Tell whether Cloudinary delivers our bytes."""
        delivery = self.host.delivery
        url = delivery.trusted(str(answer.get("secure_url", ""))) or delivery.url(self.place)
        return self.under_way.run(
            lambda: delivery.holds(
                url,
                self.content,
                retry=self.host.retry,
                sleep=self.under_way.sleep,
                write=self.under_way.watch,
                is_new=True,
            )
        )

    def _refusal(self, answer: Answer) -> NotVerified:
        """Remove what is there and is not what was sent, where it came from us."""
        if self._was_missing or not answer.get("existing"):
            # That the bytes are not right matters more than that they cannot be removed.
            with suppress(VidctlError):
                self._tried(lambda: self.service.destroy(self.place))
        return NotVerified(
            f"what {self.host.name} holds is not what was sent",
            hint="run the same command again; an upload preset must not change what it stores",
            item=str(self.source),
        )

    # --- sending --------------------------------------------------------------------------------

    def _send(self, upload: Upload | None, *, is_wrong: bool) -> tuple[Answer, str]:
        """Send the file and return the answer to its last part, and the file's MD5."""
        parameters = self._parameters(is_wrong=is_wrong)
        if self.content.size <= self.host.part_size:
            return self._send_parts(parameters, self.host.part_size, None, None)
        uploads = self.sending.uploads
        if upload is not None and upload.remote_id:
            try:
                return self._send_parts(parameters, upload.part_size, upload, upload.remote_id)
            except (RemoteFailed, NotFound):
                # Cloudinary forgets unfinished uploads after a while.
                if not upload.parts:
                    raise
                self.under_way.restart()
        remote_id = secrets.token_hex(16)
        if upload is not None and uploads is not None:
            uploads.begin(upload.id, remote_id, self.host.part_size)
        fresh = None if upload is None else replace(upload, parts={})
        return self._send_parts(parameters, self.host.part_size, fresh, remote_id)

    def _send_parts(
        self,
        parameters: Answer,
        part_size: int,
        upload: Upload | None,
        remote_id: str | None,
    ) -> tuple[Answer, str]:
        """Send the parts that have not arrived; the last leaves once the file is known whole."""
        total = self.content.size
        count = max(1, -(-total // part_size))
        reader = self._reader()
        skip: Collection[int] = set(upload.parts if upload else ()) - {count - 1}
        last = b""
        with closing(reader.parts(part_size, skip)) as parts:  # type: ignore[type-var]
            for ordinal, offset, data in parts:
                if ordinal == count - 1:
                    last = data or b""
                    continue
                if data is not None:
                    self._send_part(data, parameters, remote_id, offset)
                    self._remember(upload, SentPart(ordinal, offset, len(data)))
                self.under_way.arrived(min(offset + part_size, total))
        reader.verify()
        return self._send_last(last, parameters, remote_id, reader.md5), reader.md5

    def _send_part(self, data: bytes, parameters: Answer, remote_id: str | None, at: int) -> None:
        self._tried(lambda: self._upload_part(data, parameters, remote_id, at))

    def _upload_part(
        self, data: bytes, parameters: Answer, remote_id: str | None, at: int
    ) -> Answer:
        headers: dict[str, str] = {}
        if remote_id is not None:
            span = f"bytes {at}-{at + len(data) - 1}/{self.content.size}"
            headers = {"Content-Range": span, "X-Unique-Upload-Id": remote_id}
        return self.service.upload(
            self.place, data, parameters, headers, lambda data: self.under_way.blocks(data, at)
        )

    def _reader(self) -> PartReader:
        return PartReader(
            self.source, self.content, replace(self.sending, heed=self.under_way.tick)
        )

    def _send_last(
        self, data: bytes, parameters: Answer, remote_id: str | None, md5: str
    ) -> Answer:
        """Send the part that makes the asset; after a lost answer, see first whether it is there.

        The answer says ``existing`` where the asset was there before.
        """
        may_be_there = False

        def send() -> Answer:
            nonlocal may_be_there
            there = self.service.look(self.place) if may_be_there else None
            if there is not None and (not parameters["overwrite"] or there.get("etag") == md5):
                return {**there, "existing": True}
            may_be_there = True
            try:
                return self._upload_part(data, parameters, remote_id, self.content.size - len(data))
            except Conflict:
                there = self.service.look(self.place)
                if there is None:
                    raise
                return {**there, "existing": True}

        answer = self._tried(send)
        if answer.get("done") is False:
            raise RemoteFailed(f"{self.host.name} did not put the parts together")
        if answer.get("public_id", self.place.public_id) != self.place.public_id:
            raise RemoteFailed(
                f"{self.host.name} stored the file under another name",
                hint="use an upload preset that does not change names: "
                f"vidctl config set hosts.{self.host.name}.preset NAME",
                item=str(self.source),
            )
        return answer

    def _remember(self, upload: Upload | None, part: SentPart) -> None:
        if upload is not None and self.sending.uploads is not None:
            self.sending.uploads.save_part(upload.id, part, seconds=LEASE)

    def _parameters(self, *, is_wrong: bool) -> dict[str, Any]:
        """Return what every part says beside its bytes; signatures cover all of it.

        ``is_wrong`` bytes under the name are replaced; others never are.
        """
        options = self.host.options
        eager = str(options.get("eager") or "")
        parameters: dict[str, Any] = {
            "overwrite": is_wrong,
            "invalidate": is_wrong or None,
            # Said even when empty: the SDK would take one from its own settings.
            "upload_preset": str(options.get("preset") or ""),
            "tags": str(options.get("tags") or "") or None,
            "context": str(options.get("context") or "") or None,
            "notification_url": str(options.get("notification_url") or "") or None,
            "eager": eager or None,
            "eager_async": bool(eager) or None,
        }
        if options.get("auto_transcription") and self.place.kind == "video":
            parameters["auto_transcription"] = True
        return parameters
