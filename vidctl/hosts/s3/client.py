"""The vendor's client of S3 with our key and timeouts only, and its errors in our words."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vidctl.errors import MissingExtra
from vidctl.hosts.s3.refusals import Refused, Translator

if TYPE_CHECKING:
    from vidctl.hosts.s3.options import Options

LONGEST_CONNECT = 10.0
# With no region, Amazon's first one is asked, which names the right one; others do not care.
ANY_REGION = "us-east-1"
AMAZON = "Amazon S3"


class Client:
    """What the requests of all threads about one bucket share; made at the first request.

    ``is_conditional`` is whether the service knows If-None-Match, ``said`` translates its errors.
    """

    def __init__(self, options: Options, key: Callable[[], str]) -> None:
        self.options = options
        self.is_conditional = True
        self.said = self._translator(())
        self._key = key
        self._lock = threading.Lock()
        self._made: Any = None

    @property
    def place(self) -> str:
        """The service's address, as people know it."""
        return urlsplit(self.options.endpoint).netloc or AMAZON

    def operation(
        self, name: str, expect: Collection[str], parameters: Mapping[str, Any]
    ) -> Callable[[], dict[str, Any]]:
        """Return what makes one request, in any thread; the key is asked for here.

        It raises Refused for the codes in ``expect``. Raises what the key does.
        """
        client = self.made()

        def ask() -> dict[str, Any]:
            with self.translated(name, expect):
                answer: dict[str, Any] = getattr(client, name)(**parameters)
                return answer

        return ask

    def made(self) -> Any:
        """Return the vendor's client."""
        with self._lock:
            if self._made is None:
                access, secret, token = self._parts_of_key()
                self.said = self._translator((access, secret, token))
                self._made = _client(self.options, access, secret, token)
            return self._made

    @contextmanager
    def translated(self, operation: str, expect: Collection[str] = ()) -> Iterator[None]:
        """Raise our errors for the vendor's, and Refused for the codes in ``expect``."""
        from botocore.exceptions import BotoCoreError, ClientError
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in expect:
                raise Refused(code) from None
            # The vendor's own text may hold more than ours shows.
            raise self.said.refusal(error.response, operation) from None
        except (BotoCoreError, HTTPError, OSError) as error:
            raise self.said.broken(error) from error

    def close(self) -> None:
        """Give connections back; the next request makes new ones."""
        with self._lock:
            client, self._made = self._made, None
        if client is not None:
            client.close()

    def _translator(self, secrets: Collection[str]) -> Translator:
        return Translator(self.options.name, self.place, self.options.bucket, secrets)

    def _parts_of_key(self) -> tuple[str, str, str]:
        """Return access key id, secret and session token, the last empty where there is none."""
        parts = self._key().strip().split(":", 2)
        text = "".join(parts)
        is_plain = text.isascii() and text.isprintable() and " " not in text
        if len(parts) < 2 or not all(parts) or not is_plain:
            raise self.said.malformed()
        access, secret, token = (*parts, "")[:3]
        return access, secret, token


def _client(options: Options, access: str, secret: str, token: str) -> Any:
    """Return the vendor's client; nothing in ``~/.aws`` and no other key is looked for."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.loaders import Loader
        from botocore.session import Session
    except ImportError as error:
        raise MissingExtra("S3 needs boto3", hint='pip install "vidctl[s3]"') from error

    files = ("config_file", "credentials_file")
    session = Session(
        session_vars={
            "profile": (None, None, None, None),
            **dict.fromkeys(files, (None, None, os.devnull, None)),
        }
    )
    session.register_component("data_loader", Loader(include_default_search_paths=False))
    session.get_component("data_loader").search_paths.append(Loader.BUILTIN_DATA_PATH)
    config = Config(
        connect_timeout=min(options.timeout, LONGEST_CONNECT),
        read_timeout=options.timeout,
        # Ours know of pauses that the service asks for, and end.
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=options.parallel + 2,
        signature_version="s3v4",
        s3={"addressing_style": "path" if options.endpoint else "auto"},
        # Many services know no others than Content-MD5, which we send.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
        user_agent_extra="vidctl",
    )
    return boto3.session.Session(botocore_session=session).client(
        "s3",
        region_name=options.region or ANY_REGION,
        endpoint_url=options.endpoint or None,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        aws_session_token=token or None,
        config=config,
    )
