"""Captions that exist already, as a transcriber; and how to find them beside a media file."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from vidctl.errors import InvalidCaptions, NotFound, StorageFailed
from vidctl.files import shown
from vidctl.formats import srt, vtt
from vidctl.model.segment import Part, Segment
from vidctl.ports import Advance

_SUFFIXES = (".vtt", ".srt")
# A day of automatic captions, every word timed, stays below this.
_MOST_BYTES = 16 * 2**20
# A language tag; YouTube's downloads add "-orig" to the spoken one, or the id of a track.
_TAG = re.compile(
    r"([a-z]{2,3})(?:[-_](?!orig)([a-z]{4}))?(?:[-_]([a-z]{2}|[0-9]{3}))?(?:-orig|-[\w-]{11})?",
    re.I | re.A,
)
_ROLES = ("forced", "sdh", "cc", "hi", "default")
# ISO 639-1, and the three-letter codes in use for spoken video; "the.end.vtt" has no language.
# Without Tsonga: in "talk.ts.vtt" that is the suffix of a transport stream.
_LANGUAGES = frozenset(
    re.findall(
        r"\w+",
        """
        aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv
        cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr
        ht hu hy hz ia id ie ig ii ik io is it iu iw ja jv ka kg ki kj kk kl km kn ko kr ks ku kv
        kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr
        nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq
        sr ss st su sv sw ta te tg th ti tk tl tn to tr tt tw ty ug uk ur uz ve vi vo wa wo xh
        yi yo za zh zu
        ara ben bul cat ces chi cmn cze dan deu dut ell eng est eus fas fil fin fra fre gre ger heb
        hin hrv hun ind isl ita jpn kat kor lav lit mal may msa nld nob nor per pol por ron rum rus
        slk slo slv spa srp swe tam tel tha tur ukr und urd vie yue zho
        """,
    )
)


class CaptionsTranscriber:
    """Reads a caption file where other transcribers listen; the whole file is one part."""

    def __init__(self, captions: Path) -> None:
        self._captions = captions
        self.identity = f"captions/{_kind(captions)}"

    def parts(self, audio: Path) -> Sequence[Part]:
        """Give the one part; its length is 0, for only the media knows how long it is."""
        return (Part(0, 0.0, 0.0),)

    def transcribe(self, audio: Path, part: Part, advance: Advance) -> Sequence[Segment]:
        """Read the caption file.

        Raises NotFound or StorageFailed when it cannot be read, InvalidCaptions when it holds no
        usable cue; each names the file.
        """
        data = self._bytes()
        try:
            segments = srt.parse(data) if _kind(self._captions) == "srt" else vtt.parse(data)
        except InvalidCaptions as refusal:
            raise InvalidCaptions(
                f"{shown(self._captions)}: {refusal.message}",
                hint=refusal.hint,
                item=str(self._captions),
            ) from None
        advance(1.0, 1.0)
        return segments

    def _bytes(self) -> bytes:
        name = shown(self._captions)
        try:
            with self._captions.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            raise NotFound(f"{name} is not there", item=str(self._captions)) from None
        except OSError as error:
            message = f"{name} cannot be read: {error.strerror or error}"
            raise StorageFailed(message, item=str(self._captions)) from error
        if len(data) > _MOST_BYTES:
            message = f"{name} is larger than {_MOST_BYTES // 2**20} MB, too large for captions"
            raise InvalidCaptions(message, item=str(self._captions))
        return data


def _kind(captions: Path) -> str:
    return "srt" if captions.suffix.lower() == ".srt" else "vtt"


def sidecars(media: Path) -> list[Path]:
    """Find the caption files of a media file in its folder, best first.

    First those named exactly like it (``talk.vtt``, ``talk.srt``, ``talk.mp4.vtt``), then those
    with a language in alphabetical order (``talk.en.vtt``); WebVTT comes before SubRip.
    """
    try:
        # Folders hold thousands of files: look at names first.
        with os.scandir(media.parent) as entries:
            captions = [
                Path(entry.name)
                for entry in entries
                if entry.name.lower().endswith(_SUFFIXES) and entry.is_file()
            ]
    except OSError:
        return []
    owned = (_name(media.stem), _name(media.name))
    ranked = []
    for path in captions:
        base, is_srt = _name(path.stem), _kind(path) == "srt"
        if base in owned and path.name != media.name:
            ranked.append((owned.index(base), "", is_srt, path))
            continue
        tagged = _tagged(base)
        if not tagged or tagged[0] not in owned:
            continue
        # "talk.no.vtt" beside "talk.no.mp4" belongs to that.
        if not media.with_name(path.stem + media.suffix).exists():
            ranked.append((len(owned), tagged[1], is_srt, path))
    return [media.with_name(path.name) for *_, path in sorted(ranked)]


def _name(text: str) -> str:
    """Compare names as people see them: macOS stores accents apart from their letters."""
    return unicodedata.normalize("NFC", text)


def language_of(path: Path) -> str | None:
    """Read the language in a file name: ``pt-BR`` in ``talk.pt-br.vtt``; None where there is none.

    A language counts when its ISO 639 code is one of those in use for spoken video.
    """
    tagged = _tagged(path.stem)
    return tagged[1] if tagged else None


def _tagged(base: str) -> tuple[str, str] | None:
    """Split ``talk.en.sdh`` into ``talk`` and ``en``."""
    rest, _, last = base.rpartition(".")
    if last.lower() in _ROLES and (tagged := _tagged(rest)):
        return tagged
    match = _TAG.fullmatch(last)
    if not rest or not match or match[1].lower() not in _LANGUAGES:
        return None
    language, script, region = match.groups(default="")
    parts = (language.lower(), script.title(), region.upper())
    return rest, "-".join(filter(None, parts))
