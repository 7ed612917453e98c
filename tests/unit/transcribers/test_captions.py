"""Captions as a transcriber, and which files beside a media file are its captions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from vidctl.errors import InvalidCaptions, NotFound, StorageFailed
from vidctl.model.segment import Part, Segment
from vidctl.ports import Transcriber
from vidctl.transcribers.captions import CaptionsTranscriber, language_of, sidecars

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize(
    ("name", "identity"),
    [("podcasting.vtt", "captions/vtt"), ("podcasting.srt", "captions/srt")],
)
def test_transcribing(tmp_path: Path, name: str, identity: str) -> None:
    transcriber: Transcriber = CaptionsTranscriber(DATA / name)
    assert transcriber.identity == identity
    [part] = transcriber.parts(tmp_path / "no-such-audio.wav")
    assert part == Part(0, 0.0, 0.0)
    advanced: list[tuple[float, float]] = []
    segments = transcriber.transcribe(
        tmp_path / "no-such-audio.wav", part, lambda done, total: advanced.append((done, total))
    )
    assert (len(segments), segments[0].speaker) == {
        "captions/vtt": (7, "Sarah"),
        "captions/srt": (222, "Travis"),
    }[identity]
    assert advanced == [(1.0, 1.0)]


def transcribe(path: Path) -> list[Segment]:
    transcriber = CaptionsTranscriber(path)
    return list(transcriber.transcribe(path, Part(0, 0.0, 0.0), lambda done, total: None))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.SRT", "1\n00:00:01,000 --> 00:00:02,000\nAnn: Hi\n"),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Hi\n"),
        # The content decides where it contradicts the name.
        ("b.srt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Hi\n"),
    ],
)
def test_either_kind(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert transcribe(tmp_path / name) == [Segment(1.0, 2.0, "Hi", "Ann")]


def test_no_captions(tmp_path: Path) -> None:
    path = tmp_path / "talk\x1b.vtt"
    path.write_text("WEBVTT\n")
    with pytest.raises(InvalidCaptions) as refused:
        transcribe(path)
    assert refused.value.message == "talk\\x1b.vtt: The caption file holds no usable cue."
    assert (refused.value.item, bool(refused.value.hint)) == (str(path), True)


def test_a_file_too_large(tmp_path: Path) -> None:
    path = tmp_path / "talk.vtt"
    path.touch()
    os.truncate(path, 2**40)
    with pytest.raises(InvalidCaptions, match=r"^talk\.vtt is larger than 16 MB"):
        transcribe(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"^talk\.vtt is not there$"):
        transcribe(tmp_path / "talk.vtt")
    with pytest.raises(StorageFailed, match="cannot be read: Is a directory"):
        transcribe(tmp_path)


# --- beside a media file --------------------------------------------------------------------------


def names(folder: Path, media: str, *beside: str) -> list[str]:
    for name in (media, *beside):
        (folder / name).touch()
    return [path.name for path in sidecars(folder / media)]


def test_best_first(tmp_path: Path) -> None:
    assert names(
        tmp_path,
        "talk.mp4",
        *("talk.srt", "talk.VTT", "talk.mp4.vtt", "talk.mp4.srt"),
        *("talk.pt-BR.vtt", "talk.en.srt", "talk.en.vtt", "talk.de.sdh.srt", "talk.mp4.fr.vtt"),
        # Of other files, of no language, of no use.
        *("talk2.vtt", "talk.part.vtt", "talk.txt", "talk.en.json", "atalk.vtt", "Talk.vtt"),
    ) == [
        *("talk.VTT", "talk.srt", "talk.mp4.vtt", "talk.mp4.srt"),
        *("talk.de.sdh.srt", "talk.en.vtt", "talk.en.srt", "talk.mp4.fr.vtt", "talk.pt-BR.vtt"),
    ]


@pytest.mark.parametrize(
    ("media", "caption"),
    [
        ("a [x] *?.mp4", "a [x] *?.en.vtt"),
        ("My talk. Part 1 [dQw4w9WgXcQ].webm", "My talk. Part 1 [dQw4w9WgXcQ].en-orig.vtt"),
        (".hidden.mp4", ".hidden.vtt"),
        ("no suffix", "no suffix.srt"),
        # An accent as one character and as two.
        ("caf\u00e9.mp4", "cafe\u0301.vtt"),
    ],
)
def test_odd_names(tmp_path: Path, media: str, caption: str) -> None:
    assert names(tmp_path, media, caption) == [caption]


def test_captions_of_a_neighbour(tmp_path: Path) -> None:
    assert names(tmp_path, "talk.mp4", "talk.no.mp4", "talk.no.vtt", "talk.sv.vtt") == [
        "talk.sv.vtt"
    ]
    assert names(tmp_path, "talk.no.mp4") == ["talk.no.vtt"]


def test_nothing_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(tmp_path, "talk.vtt") == []
    (tmp_path / "film.vtt").mkdir()
    assert names(tmp_path, "film.mp4") == []
    assert sidecars(tmp_path / "no such folder" / "talk.mp4") == []
    shutil.copy(DATA / "podcasting.vtt", tmp_path / "sound.vtt")
    monkeypatch.chdir(tmp_path)
    assert sidecars(Path("sound.wav")) == [Path("sound.vtt")]


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("talk.vtt", None),
        ("talk.en.vtt", "en"),
        ("talk.EN.SRT", "en"),
        ("talk.pt-BR.vtt", "pt-BR"),
        ("talk.pt_br.vtt", "pt-BR"),
        ("talk.zh-hans.vtt", "zh-Hans"),
        ("talk.zh-Hant-TW.vtt", "zh-Hant-TW"),
        ("talk.es-419.vtt", "es-419"),
        ("talk.ger.vtt", "ger"),
        ("talk.mp4.fr.vtt", "fr"),
        ("talk.en-orig.vtt", "en"),
        ("talk.en-US-abcdEFGH_-0.vtt", "en-US"),
        ("talk.en.forced.srt", "en"),
        ("talk.en.sdh.srt", "en"),
        ("talk.en.hi.srt", "en"),
        ("talk.hi.srt", "hi"),
        ("talk.default.srt", None),
        ("talk.mp4.vtt", None),
        ("talk.mov.vtt", None),
        ("talk.ts.vtt", None),
        ("the.end.vtt", None),
        ("talk.part2.vtt", None),
        ("talk.english.vtt", None),
        ("en.vtt", None),
        (".en.vtt", None),
        ("", None),
        ("talk." + "cc." * 80 + "vtt", None),
    ],
)
def test_language(name: str, language: str | None) -> None:
    assert language_of(Path(name)) == language
