"""Calls of Cloudinary's upload and admin interfaces, by its own SDK.

The SDK keeps its settings, and how it reads them from the environment, in one place for the
process. Nothing here uses that: each call is told all of them, so that two hosts, in two threads,
never see each other's.
"""

from __future__ import annotations

import hmac
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from vidctl.errors import (
    Conflict,
    KeyRefused,
    NotFound,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    UsageError,
    VidctlError,
)
from vidctl.files import UNSAFE
from vidctl.retry import parse_retry_after

if TYPE_CHECKING:
    from vidctl.hosts.cloudinary.names import Place

Blocks = Callable[[bytes], Iterable[memoryview]]

API = "https://api.cloudinary.com"
_CLOUD = re.compile(r"[0-9A-Za-z_-]+")
_FORM = "cloudinary://KEY:SECRET@CLOUD"
_LONGEST = 300
# As many as there may be files at a time.
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Account:
    """A cloud and the key to it; its text form hides the secret."""

    cloud: str
    key: str
    secret: str

    def __repr__(self) -> str:
        return f"Account({self.cloud})"


def account_of(text: str, *, cloud: str, name: str) -> Account:
    """Read a key of the form ``cloudinary://KEY:SECRET@CLOUD``; ``cloud`` goes before its own.

    Raises KeyRefused, whose message has nothing of the key.
    """
    try:
        parts = urlsplit(text.strip())
        key, secret = unquote(parts.username or ""), unquote(parts.password or "")
        wanted = cloud or parts.netloc.rpartition("@")[2]
    except ValueError:
        raise _unfit(f"the key of {name} has not the form {_FORM}", name) from None
    if parts.scheme != "cloudinary" or not key or not secret:
        raise _unfit(f"the key of {name} has not the form {_FORM}", name)
    if not _CLOUD.fullmatch(wanted):
        raise _unfit(f"the key of {name} names no cloud; its form is {_FORM}", name)
    return Account(wanted, key, secret)


def _unfit(message: str, name: str) -> KeyRefused:
    """Return the error for a key that cannot be one, so that nobody was asked."""
    error = KeyRefused(message, hint=f"vidctl keys set {name}")
    error.is_unbilled = True
    return error


class _Listening:
    """The SDK's connections, keeping each thread's last answer.

    The SDK drops the headers of an answer that is an error, and with them how long to wait. It
    also sends again by itself, and follows redirects with a signed form: both are ours to decide.
    Where a thread has set ``heard.blocks``, the bytes of a file leave as that yields them.
    """

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        # The SDK keeps one connection, so that threads would make and throw away theirs.
        pool.connection_pool_kw["maxsize"] = CONNECTIONS
        self.heard = threading.local()

    def request(self, **options: Any) -> Any:
        """Send a request as the SDK would, once."""
        self.heard.answer = None
        blocks: Blocks | None = getattr(self.heard, "blocks", None)
        if blocks is not None:
            options = _streamed(options, blocks)
        self.heard.answer = self.pool.request(retries=False, **options)
        return self.heard.answer


def _streamed(options: dict[str, Any], blocks: Blocks) -> dict[str, Any]:
    """Return a request whose form is not put together in memory, with the file at its end.

    urllib3 copies a file several times to make a form of it.
    """
    from urllib3.filepost import choose_boundary, encode_multipart_formdata

    fields = options.pop("fields")
    name, data = dict(fields)["file"]
    others = [field for field in fields if field[0] != "file"]
    mark = choose_boundary()
    form, kind = encode_multipart_formdata([*others, ("file", (name, b""))], mark)
    end = f"\r\n--{mark}--\r\n".encode()
    head = form.removesuffix(end)
    headers = {
        **options.pop("headers"),
        "Content-Type": kind,
        "Content-Length": str(len(form) + len(data)),
    }
    return {**options, "headers": headers, "body": chain((head,), blocks(data), (end,))}


_LOADING = threading.Lock()


def _loaded() -> tuple[Any, Any, Any]:
    """Return the SDK's modules: uploads, the admin interface, and what the latter connects by."""
    with _LOADING:
        try:
            from cloudinary import api, uploader
            from cloudinary.api_client import call_api
        except ValueError as error:
            raise UsageError(
                "the environment variable CLOUDINARY_URL is not a Cloudinary address",
                hint="unset CLOUDINARY_URL",
            ) from error
        for module in (uploader, call_api):
            if not isinstance(module._http, _Listening):
                module._http = _Listening(module._http)
        return uploader, api, call_api


class Service:
    """One account of Cloudinary behind ``api``, the address of its interfaces.

    ``timeout`` is how many seconds without an answer end a request. Methods raise KeyRefused,
    NotFound, Conflict, RateLimited, RemoteUnavailable and RemoteFailed; none of them tries twice.
    """

    def __init__(self, account: Account, *, name: str, api: str, timeout: float) -> None:
        self.account, self.name, self.timeout = account, name, timeout
        self._is_used = False
        self.settings = {
            "cloud_name": account.cloud,
            "api_key": account.key,
            "api_secret": account.secret,
            "oauth_token": None,
            "upload_prefix": api or API,
            "signature_algorithm": "sha1",
            "signature_version": 2,
            "timeout": timeout,
        }

    def upload(
        self,
        place: Place,
        data: bytes,
        parameters: Mapping[str, Any],
        headers: Mapping[str, str],
        blocks: Blocks,
    ) -> dict[str, Any]:
        """Send a whole file, or the part of one that ``headers`` describe.

        ``blocks`` yields the bytes as they may leave. Answers to parts do not say to which: each
        upload has a connection of its own, where an answer that was sent twice is never taken for
        the answer to the next request.
        """
        uploader, _, _ = _loaded()
        heard = uploader._http.heard
        name = place.public_id.rpartition("/")[2].removesuffix(place.suffix) + place.suffix
        heard.blocks = blocks
        try:
            return self._call(
                uploader.upload_large_part,
                uploader,
                (name, data),
                public_id=place.public_id,
                resource_type=place.kind,
                http_headers={"Connection": "close", **headers},
                **parameters,
            )
        finally:
            heard.blocks = None

    def look(self, place: Place) -> dict[str, Any] | None:
        """Return what the admin interface says of an asset, None when there is none."""
        _, api, call_api = _loaded()
        try:
            said = self._call(api.resource, call_api, place.public_id, resource_type=place.kind)
        except NotFound:
            return None
        if said.get("public_id") != place.public_id:
            raise RemoteUnavailable(f"{self.name} answered for another file")
        return said

    def destroy(self, place: Place) -> None:
        """Remove an asset and its copies near the people who watch it."""
        uploader, _, _ = _loaded()
        options = {"resource_type": place.kind, "invalidate": True}
        self._call(uploader.destroy, uploader, place.public_id, **options)

    def ping(self) -> None:
        """Make sure that the service answers and takes the key."""
        _, api, call_api = _loaded()
        self._call(api.ping, call_api)

    def is_signed(self, answer: Mapping[str, Any]) -> bool:
        """Tell whether the answer to an upload has the signature of this account.

        https://cloudinary.com/documentation/signatures: a hash of public id, version and secret.
        """
        from cloudinary.utils import api_sign_request

        said = str(answer.get("signature", ""))
        algorithm = "sha256" if len(said) == 64 else "sha1"
        signed = {"public_id": answer.get("public_id"), "version": answer.get("version")}
        ours = api_sign_request(signed, self.account.secret, algorithm, signature_version=1)
        return hmac.compare_digest(ours.encode(), said.encode())

    def close(self) -> None:
        """Give idle connections back."""
        if self._is_used:
            uploader, _, call_api = _loaded()
            uploader._http.pool.clear()
            call_api._http.pool.clear()

    def _call(
        self, act: Callable[..., Any], module: Any, *arguments: Any, **options: Any
    ) -> dict[str, Any]:
        from cloudinary.exceptions import Error

        self._is_used = True
        listening: _Listening = module._http
        listening.heard.answer = None
        failure: Exception
        try:
            said = act(*arguments, **self.settings, **options)
            if isinstance(said, dict):
                return said
            raise TypeError("not an object")
        except Exception as error:
            failure = error
        answer = listening.heard.answer
        if answer is not None:
            refusal = self._refusal(answer)
            # What is stored and delivered is billed, and a refused request stored nothing.
            is_refused = 400 <= int(answer.status) < 500
            refusal.is_unbilled = is_refused and not isinstance(refusal, RemoteUnavailable)
            raise refusal from None
        if isinstance(failure, Error):
            raise self._silence(failure) from None
        raise failure

    def _silence(self, error: Exception) -> VidctlError:
        """Translate a failure of the connection; the SDK hides its reason in the context."""
        from urllib3 import exceptions as network

        reason = error.__context__
        if isinstance(reason, network.SSLError):
            return RemoteFailed(f"a safe connection to {self.name} cannot be made")
        if isinstance(reason, network.NewConnectionError | network.NameResolutionError):
            return RemoteUnavailable(f"{self.name} cannot be reached")
        if isinstance(reason, network.TimeoutError):
            return RemoteUnavailable(f"{self.name} did not answer within {self.timeout:g} seconds")
        return RemoteUnavailable(f"{self.name} ended the connection")

    def _refusal(self, answer: Any) -> VidctlError:
        """Translate an answer that is an error, or no answer of Cloudinary's at all."""
        status = int(answer.status)
        said = self.shown(_message(answer.data))
        told = f"{self.name}: {said}" if said else f"{self.name} answered with status {status}"
        if "stale request" in said.lower():
            return RemoteFailed(
                f"{self.name} says that the clock of this machine is wrong",
                hint="set the clock, then run the same command again",
            )
        if status in (401, 403):
            refused = "does not accept the key" if status == 401 else "does not let the key do that"
            reason = f": {said}" if said else ""
            return KeyRefused(f"{self.name} {refused}{reason}", hint=f"vidctl keys set {self.name}")
        if status == 404:
            return NotFound(told)
        if status == 409:
            return Conflict(told)
        if status in (420, 429):
            return RateLimited(f"{self.name} asks for a pause", after=_pause(answer.headers))
        if status >= 500 or status in (408, 499):
            return RemoteUnavailable(told)
        if 200 <= status < 300:
            return RemoteUnavailable(f"{self.name} gave an answer that makes no sense")
        return RemoteFailed(told)

    def shown(self, message: str) -> str:
        """Return a service's message without the key, signatures, and what was signed."""
        text = re.split(r"[.,;]?\s*String to sign", message)[0]
        for secret in (self.account.secret, self.account.key):
            text = text.replace(secret, "***")
        text = re.sub(r"(?i)(signature\W+)[0-9a-f]{40,}", r"\1***", text)
        return UNSAFE.sub(" ", text)[:_LONGEST].strip()


def _message(body: bytes) -> str:
    """Return the message of an error answer, empty where there is none."""
    try:
        error = json.loads(body)["error"]
        return str(error["message"])
    except (ValueError, LookupError, TypeError):
        return ""


def _pause(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds an answer asks to wait, None when it does not say."""
    for name in ("Retry-After", "X-FeatureRateLimit-Reset"):
        value = headers.get(name)
        after = parse_retry_after(value) if value else None
        if after is not None:
            return after
    return None
