"""What an S3 service or the way to it answers, in the words of our errors.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. The answer to a HEAD
has no body, and so its status for a code.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from vidctl.errors import (
    KeyRefused,
    MissingKey,
    NotFound,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    UsageError,
    VidctlError,
)
from vidctl.files import UNSAFE
from vidctl.retry import parse_retry_after

# Requests that are signed more than this many seconds ago are refused.
MOST_SKEW = 900.0
LONGEST = 300

_SKEWED = {"RequestTimeTooSkewed", "RequestExpired"}
_UNKNOWN_KEY = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"),
    *("TokenRefreshRequired", "InvalidClientTokenId", "UnrecognizedClientException"),
}
_PAUSE = {"SlowDown", "ServiceUnavailable", "TooManyRequests", "Throttling", "RequestLimitExceeded"}
# Damage on the way and a race with another writer pass when the request is made again.
_DAMAGED = {"BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "InvalidDigest"}
_PASSING = {"RequestTimeout", "ConditionalRequestConflict", "OperationAborted", "InternalError"}
_REGION = {
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "IllegalLocationConstraintException",
}


class Refused(Exception):
    """A refusal that the caller asked to hear of, by the service's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Translator:
    """Turns what went wrong at the host ``name`` into our errors.

    ``place`` is the service's address as people know it. Texts of the service are shown without
    any of ``secrets``.
    """

    def __init__(self, name: str, place: str, bucket: str, secrets: Collection[str]) -> None:
        self.name, self.place, self.bucket = name, place, bucket
        self.secrets = [secret for secret in secrets if secret]

    def refusal(self, response: Mapping[str, Any], operation: str) -> VidctlError:
        """Return the error for an answer that is one."""
        said = response.get("Error", {})
        code, message = str(said.get("Code", "")), str(said.get("Message", ""))
        meta = response.get("ResponseMetadata", {})
        status, headers = int(meta.get("HTTPStatusCode", 0)), meta.get("HTTPHeaders", {})
        if code in _SKEWED or (status == 403 and _is_skewed(headers)):
            return RemoteFailed(
                f"the clock of this machine is wrong, so {self.name} refuses its requests",
                hint="set the clock, then run the same command again",
            )
        if code in _UNKNOWN_KEY or status in (401, 403):
            return self._key_refused(code, operation)
        if code in ("NoSuchBucket", "InvalidBucketName"):
            return self.no_bucket()
        if code in _PAUSE or status in (429, 503):
            after = parse_retry_after(str(headers.get("retry-after", "")))
            return RateLimited(f"{self.place} asks for a pause", after=after)
        if code in _DAMAGED:
            return RemoteUnavailable(f"bytes arrived damaged at {self.place}")
        if code in _PASSING or status >= 500:
            return RemoteUnavailable(f"{self.place} answered {operation} with {self._shown(code)}")
        return self._lasting(code, message, operation)

    def _lasting(self, code: str, message: str, operation: str) -> VidctlError:
        if code in _REGION:
            return RemoteFailed(
                f"the bucket {self.bucket} is in another region",
                hint=f"vidctl config set hosts.{self.name}.region REGION",
            )
        if code == "EntityTooSmall":
            return RemoteFailed(
                f"{self.place} wants larger parts",
                hint=f"vidctl config set hosts.{self.name}.part_mb 8",
            )
        words = f"{self._shown(code)} {self._shown(message)}".strip()
        return RemoteFailed(f"{self.place} refused {operation}: {words or 'no reason given'}")

    def _key_refused(self, code: str, operation: str) -> KeyRefused:
        hint = f"vidctl keys set {self.name}"
        if code in _UNKNOWN_KEY:
            return KeyRefused(f"{self.place} does not accept the key of {self.name}", hint=hint)
        return KeyRefused(
            f"the key of {self.name} may not do {operation} in the bucket {self.bucket}", hint=hint
        )

    def no_bucket(self) -> NotFound:
        """Return the error for a bucket that is not there."""
        return NotFound(
            f"there is no bucket {self.bucket} at {self.place}",
            hint=f"vidctl config set hosts.{self.name}.bucket BUCKET",
        )

    def malformed(self) -> MissingKey:
        """Return the error for a key that cannot be one, so that nobody was asked."""
        error = KeyRefused(
            f"the key of {self.name} is not ACCESS_KEY_ID:SECRET_ACCESS_KEY",
            hint=f"vidctl keys set {self.name}",
        )
        error.is_unbilled = True
        return error

    def broken(self, error: Exception) -> VidctlError:
        """Return the error for an answer that did not come, or not whole."""
        from botocore import exceptions

        if isinstance(error, exceptions.ParamValidationError):
            return UsageError(
                f"{self.bucket!r} cannot be the name of a bucket",
                hint=f"vidctl config set hosts.{self.name}.bucket BUCKET",
            )
        if isinstance(error, exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return RemoteFailed(
                f"the certificate of {self.place} is not one to be trusted",
                hint="set AWS_CA_BUNDLE to the file of your own authority's certificate",
            )
        if isinstance(error, exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError):
            return RemoteUnavailable(f"{self.place} did not answer in time")
        return RemoteUnavailable(f"the connection to {self.place} failed or broke")

    def _shown(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return UNSAFE.sub(" ", text)[:LONGEST]


def _is_skewed(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer's clock differs from ours by more than signatures allow."""
    try:
        theirs = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return False
    return abs(time.time() - theirs) > MOST_SKEW
