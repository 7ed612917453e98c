"""Every setting there is: what it is called, what it may be, and whether a project may set it.

SETTINGS is the only list of settings; the reference page is generated from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from vidctl.errors import UsageError
from vidctl.keys.shapes import looks_secret

Value = str | int | float | bool
# Whether a project file that the person has not trusted may set it: yes; never, because it decides
# where keys or media go or what links may lead to; or only to a place inside the project.
Trusted = Literal["always", "never", "inside"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted key, default (which gives the type), meaning and allowed values."""

    key: str
    default: Value
    help: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    secret: bool = False
    trusted: Trusted = "always"

    @property
    def env(self) -> str:
        """The environment variable of the setting."""
        return "VIDCTL_" + self.key.upper().replace(".", "_").replace("-", "_")


HOST_KINDS = ("folder", "cloudinary", "s3")
# More than anybody pays, and little enough to be counted in millionths.
DEAREST = 1_000_000

SETTINGS = (
    Setting("group", "default", "group that commands work in when -g is not given"),
    Setting(
        "db", "", "library file; relative paths start at the file that sets it", trusted="inside"
    ),
    Setting("person", "", "person who acts when --as is not given; empty is the local owner"),
    Setting(
        "media.host", "folder", "name of the host that uploaded media goes to", trusted="never"
    ),
    Setting(
        "media.folder",
        "",
        "folder of the folder host; empty is beside the library",
        trusted="inside",
    ),
    Setting(
        "media.verify",
        "checksum",
        "how an upload is checked: by the host's checksum where it has one, or by reading back",
        choices=("checksum", "read"),
    ),
    # A host called like its kind needs no setting of the kind; others are named by setting it.
    Setting(
        "hosts.*.kind",
        "",
        "what a media host is; empty is its name",
        choices=("", *HOST_KINDS),
        trusted="never",
    ),
    Setting("hosts.*.path", "", "folder of a folder host", trusted="inside"),
    Setting("hosts.*.cloud", "", "cloud name; empty takes it from the key", trusted="never"),
    Setting("hosts.*.preset", "", "Cloudinary upload preset", trusted="never"),
    Setting("hosts.*.folder", "vidctl", "Cloudinary folder", trusted="never"),
    Setting("hosts.*.tags", "", "Cloudinary tags, separated by commas"),
    Setting("hosts.*.context", "", "Cloudinary context, such as source=vidctl|show=news"),
    Setting(
        "hosts.*.eager",
        "",
        "Cloudinary eager transformations, separated by |",
        trusted="never",
    ),
    Setting(
        "hosts.*.auto_transcription",
        False,
        "let Cloudinary transcribe, which it charges for",
        trusted="never",
    ),
    Setting(
        "hosts.*.notification_url",
        "",
        "address that Cloudinary tells when an upload is done",
        trusted="never",
    ),
    Setting(
        "hosts.*.api",
        "",
        "address of the service's API, for a stand-in; empty is its own",
        trusted="never",
    ),
    Setting("hosts.*.bucket", "", "S3 bucket", trusted="never"),
    Setting("hosts.*.prefix", "", "what S3 object names begin with", trusted="never"),
    Setting("hosts.*.endpoint", "", "address of an S3 service; empty is Amazon's", trusted="never"),
    Setting("hosts.*.region", "", "S3 region; empty lets the service decide"),
    Setting(
        "hosts.*.public_url", "", "address that S3 objects are public below; empty: they are not"
    ),
    Setting(
        "hosts.*.part_mb",
        0.0,
        "size of the parts of an upload, in megabytes; 0 is the host's best",
        least=0,
        most=5000,
    ),
    Setting("hosts.*.parallel", 4, "parts of one file that are sent at a time", least=1, most=32),
    Setting(
        "hosts.*.timeout",
        60.0,
        "seconds without an answer that end a request",
        least=0.1,
        most=3600,
    ),
    Setting(
        "net.allow_private",
        "",
        "hosts outside the public internet that links may lead to: names, addresses and networks,"
        " separated by commas",
        trusted="never",
    ),
    Setting(
        "net.timeout",
        30.0,
        "seconds without a byte that end a download",
        least=0.1,
        most=3600,
    ),
    Setting("net.max_gb", 20.0, "largest download, in gigabytes", least=0.001, most=10_000),
    Setting(
        "transcribe.engine",
        "auto",
        "speech engine; auto takes captions where there are some, else the local model",
        choices=("auto", "captions", "local"),
    ),
    Setting(
        "transcribe.model", "", "speech model: a folder or a hub name; empty is the model wheel"
    ),
    Setting("transcribe.language", "", "spoken language, such as en; empty lets the model decide"),
    Setting("transcribe.threads", 0, "CPU threads of the speech model; 0 is all, up to 4", least=0),
    Setting(
        "transcribe.part_seconds",
        480.0,
        "length of the parts a transcription can be resumed at, in seconds",
        least=10,
        most=3600,
    ),
    Setting("chunk.words", 500, "words in a chunk", least=20, most=5000),
    Setting("chunk.overlap", 50, "words that neighbouring chunks share", least=0, most=2500),
    Setting(
        "embed.engine",
        "auto",
        "embedding engine; auto is local where it is installed, else none",
        choices=("auto", "local", "none"),
    ),
    Setting("embed.threads", 0, "CPU threads of the embedding model; 0 is all", least=0),
    Setting(
        "progress.threshold",
        0.9,
        "share of an item that must have been seen for it to count as completed",
        least=0.01,
        most=1,
    ),
    Setting(
        "cost.cap_run",
        0.0,
        "US dollars that one run of a command may spend on services; 0 is no cap",
        least=0,
        most=DEAREST,
        trusted="never",
    ),
    Setting(
        "cost.cap_month",
        0.0,
        "US dollars that the library may spend in a calendar month (UTC); 0 is no cap",
        least=0,
        most=DEAREST,
        trusted="never",
    ),
    # List prices as estimates: without discounts, free tiers and taxes. Where they are from is in
    # docs/how-to/costs.md.
    Setting("prices.date", "2026-11-24", "day that the prices were written down, for people"),
    Setting(
        "prices.cloudinary.gigabyte",
        0.44,
        "US dollars for a gigabyte sent to Cloudinary: one credit of its Plus plan",
        least=0,
        most=DEAREST,
        trusted="never",
    ),
    Setting(
        "prices.s3.gigabyte",
        0.0,
        "US dollars for a gigabyte sent to S3; Amazon takes nothing for it",
        least=0,
        most=DEAREST,
        trusted="never",
    ),
    Setting(
        "prices.s3.thousand_requests",
        0.005,
        "US dollars for a thousand writing requests to S3",
        least=0,
        most=DEAREST,
        trusted="never",
    ),
    Setting(
        "prices.openai.minute",
        0.006,
        "US dollars for a minute of sound that OpenAI transcribes",
        least=0,
        most=DEAREST,
        trusted="never",
    ),
    Setting(
        "prices.openai.million_tokens",
        0.02,
        "US dollars for a million tokens that OpenAI embeds",
        least=0,
        most=DEAREST,
        trusted="never",
    ),
    Setting("search.mode", "hybrid", "how search ranks", choices=("hybrid", "text", "semantic")),
    Setting("search.limit", 10, "hits that a search shows", least=1, most=1000),
    Setting("search.log", True, "remember what was searched for, for vidctl analytics searches"),
    Setting(
        "search.vector_weight",
        0.5,
        "weight of the semantic ranker against the text ranker's 1 in a hybrid search",
        least=0,
        most=1,
    ),
    Setting(
        "courses.weight",
        "lessons",
        "what course progress counts: lessons all the same, or by their duration",
        choices=("lessons", "duration"),
    ),
)
BY_KEY = {setting.key: setting for setting in SETTINGS}
# A setting whose key has a * stands for one of each name: hosts.archive.bucket.
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


def setting_of(key: str) -> Setting:
    """Return the setting of a key. Raises UsageError with the nearest key for an unknown one."""
    if key in BY_KEY and "*" not in key:
        return BY_KEY[key]
    parts = key.split(".")
    if len(parts) == 3 and NAME.fullmatch(parts[1]):
        pattern = BY_KEY.get(f"{parts[0]}.*.{parts[2]}")
        if pattern is not None:
            return replace(pattern, key=key)
    import difflib

    near = difflib.get_close_matches(key, BY_KEY, n=1)
    hint = f"did you mean {near[0]}?" if near else "vidctl config show"
    raise UsageError(f"there is no setting {key!r}", hint=hint)


def checked(setting: Setting, raw: Value) -> Value:
    """Return a raw value as the setting's type. Raises UsageError where it is not allowed."""
    kind = type(setting.default)
    try:
        value: Value = _converted(kind, raw)
    except (ValueError, TypeError, OverflowError):
        names = {int: "a whole number", float: "a number", bool: "true or false"}
        raise UsageError(
            f"{setting.key} must be {names.get(kind, 'text')}, not {_quoted(raw)}"
        ) from None
    if setting.choices and value not in setting.choices:
        raise UsageError(
            f"{setting.key} must be one of {', '.join(setting.choices)}, not {_quoted(raw)}"
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = setting.least, setting.most
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            limits = f"at least {low:g}" if high is None else f"from {low or 0:g} to {high:g}"
            raise UsageError(f"{setting.key} must be {limits}, not {_quoted(raw)}")
    return value


def _quoted(raw: Value) -> str:
    """Return a value as a message quotes it; a key that was put in the wrong place is not."""
    return "what has the form of a key" if looks_secret(str(raw)) else repr(raw)


def _converted(kind: type, raw: Value) -> Value:
    if kind is bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if isinstance(raw, bool):
            return raw
        if str(raw).lower() not in words:
            raise ValueError
        return words[str(raw).lower()]
    if isinstance(raw, bool) or (kind is not str and isinstance(raw, float) and kind is int):
        raise ValueError
    if kind is str:
        if not isinstance(raw, str):
            raise ValueError
        raw.encode()  # an argument whose bytes are no UTF-8 cannot be stored
    return kind(raw)  # type: ignore[no-any-return]
