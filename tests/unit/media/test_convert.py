"""Sound files made of media: what is heard, at what time, and what comes along."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from media_samples import image_bytes, make_audio, make_video, with_cover
from PIL import Image

from vidctl import failpoints
from vidctl.errors import InvalidMedia, StorageFull, UsageError
from vidctl.media.audio import decode_audio
from vidctl.media.convert import FORMS, convert
from vidctl.media.probe import probe

Sample = Callable[[str], Path]
FORMATS = sorted(FORMS)


def shift(one: Path, other: Path) -> float:
    """How many seconds later the sound of ``other`` is, by correlation of the loudness."""
    envelopes = []
    for path in (one, other):
        samples = np.abs(decode_audio(path, rate=8000))
        envelopes.append(samples[: len(samples) // 40 * 40].reshape(-1, 40).mean(axis=1))
    size = min(map(len, envelopes))
    first, second = (envelope[:size] - envelope[:size].mean() for envelope in envelopes)
    lag = int(np.correlate(second, first, "full").argmax()) - (size - 1)
    return lag * 40 / 8000


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("suffix", ["mp4", "webm", "mp3", "flac", "ts", "wmv"])
def test_sound_keeps_its_times(sample: Sample, tmp_path: Path, suffix: str, form: str) -> None:
    target = tmp_path / f"sound.{form}"
    made = convert(sample(suffix), target, form=form)
    assert made["format"] == form
    assert made["seconds"] == pytest.approx(8, abs=0.15)
    found = probe(target)
    assert (found.kind, found.truncated) == ("audio", False)
    assert found.duration == pytest.approx(made["seconds"], abs=0.06)
    assert (found.sample_rate, found.channels) == (made["rate"], 1)
    assert abs(shift(sample(suffix), target)) <= 0.03


@pytest.mark.parametrize("form", FORMATS)
def test_a_late_start_and_a_pause_become_silence(tmp_path: Path, form: str) -> None:
    path = make_video(tmp_path / "v.mkv", 6, delay=1.0, gap=(3.0, 1.5))
    target = tmp_path / f"sound.{form}"
    made = convert(path, target, form=form)
    assert made["seconds"] == pytest.approx(8.5, abs=0.15)
    samples = decode_audio(target)
    assert np.abs(samples[: 16000 * 9 // 10]).max() < 0.02
    assert np.abs(samples[16000 * 42 // 10 : 16000 * 54 // 10]).max() < 0.02
    assert abs(shift(path, target)) <= 0.03


def test_two_channels_stay_two_and_more_become_two(tmp_path: Path) -> None:
    stereo = make_audio(tmp_path / "s.flac", 1, codec="flac", layout="stereo")
    around = make_audio(tmp_path / "a.flac", 1, codec="flac", layout="5.1")
    for path in (stereo, around):
        assert convert(path, tmp_path / "o.opus")["channels"] == 2
        assert convert(path, tmp_path / "o.opus", mono=True)["channels"] == 1
    assert probe(tmp_path / "o.opus").channels == 1


def test_left_stays_left(tmp_path: Path) -> None:
    sides = np.zeros((1, 2 * 48000), np.int16)
    sides[0, ::2] = 8000
    frame = av.AudioFrame.from_ndarray(sides, format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    with av.open(str(tmp_path / "in.wav"), "w") as output:
        stream: Any = output.add_stream("pcm_s16le", rate=48000, layout="stereo")
        output.mux([*stream.encode(frame), *stream.encode(None)])
    convert(tmp_path / "in.wav", tmp_path / "out.wav", form="wav")
    with av.open(str(tmp_path / "out.wav")) as source:
        heard = np.concatenate([f.to_ndarray() for f in source.decode(audio=0)], axis=1)
    assert heard.tolist() == sides.tolist()


@pytest.mark.parametrize(("form", "rate"), [("opus", 16000), ("mp3", 22050), ("wav", 8000)])
def test_the_rate_may_be_chosen(sample: Sample, tmp_path: Path, form: str, rate: int) -> None:
    target = tmp_path / f"sound.{form}"
    assert convert(sample("m4a"), target, form=form, rate=rate)["rate"] == rate
    # Opus plays at 48 kHz whatever it was made from (RFC 7845, section 5.1).
    assert probe(target).sample_rate == (48000 if form == "opus" else rate)


@pytest.mark.parametrize("form", ["opus", "mp3"])
def test_the_bit_rate_may_be_chosen(sample: Sample, tmp_path: Path, form: str) -> None:
    sizes = []
    for bitrate in (16_000, 96_000):
        target = tmp_path / f"{bitrate}.{form}"
        assert convert(sample("flac"), target, form=form, bitrate=bitrate)["bitrate"] == bitrate
        sizes.append(target.stat().st_size)
    assert sizes[0] == pytest.approx(8 * 16_000 / 8, rel=0.5)
    assert sizes[1] > 3 * sizes[0]


@pytest.mark.parametrize("form", FORMATS)
def test_tags_come_along(tmp_path: Path, form: str) -> None:
    tags = {"title": "Zwölf Möwen", "artist": "Ana", "album": "Birds", "track": "3"}
    path = make_audio(tmp_path / "in.mp3", 1, codec="libmp3lame", tags=tags)
    convert(path, tmp_path / f"out.{form}", form=form)
    found = probe(tmp_path / f"out.{form}").tags
    assert {key: found.get(key) for key in tags} == tags
    again = make_audio(tmp_path / "in.ogg", 1, codec="libopus", tags={"title": "Möwen"})
    convert(again, tmp_path / f"again.{form}", form=form)
    assert probe(tmp_path / f"again.{form}").tags["title"] == "Möwen"


@pytest.mark.parametrize("form", ["opus", "mp3"])
@pytest.mark.parametrize(("picture", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_a_cover_comes_along(tmp_path: Path, form: str, picture: str, mime: str) -> None:
    content = image_bytes(picture)
    bare = make_audio(tmp_path / "in.mp3", 1, codec="libmp3lame")
    path = with_cover(bare, tmp_path / "covered.mp3", content, mime)
    target = tmp_path / f"out.{form}"
    assert convert(path, target, form=form)["hasCover"] is True
    with av.open(str(target)) as source:
        attached = next(source.demux(source.streams.video[0]))
        held = bytes(attached)
        assert source.streams.video[0].metadata["comment"] == "Cover (front)"
    with Image.open(io.BytesIO(held)) as image:
        assert image.size == (64, 48)
    assert held == content
    # And again from there, so that Ogg's way of keeping it is read as well.
    second = tmp_path / f"second.{form}"
    assert convert(target, second, form=form)["hasCover"] is True


def test_a_wav_file_has_no_room_for_a_cover(tmp_path: Path) -> None:
    bare = make_audio(tmp_path / "in.mp3", 1, codec="libmp3lame")
    path = with_cover(bare, tmp_path / "covered.mp3", image_bytes("JPEG"))
    assert convert(path, tmp_path / "out.wav", form="wav")["hasCover"] is False
    assert probe(tmp_path / "out.wav").kind == "audio"


@pytest.mark.parametrize("form", ["opus", "mp3"])
def test_chapters_come_along(tmp_path: Path, form: str) -> None:
    path = make_audio(tmp_path / "in.m4a", 4)
    chapters = [
        {
            "id": n,
            "start": 2 * n,
            "end": 2 * n + 2,
            "time_base": Fraction(1),
            "metadata": {"title": t},
        }
        for n, t in enumerate(("One", "Zwei"))
    ]
    with av.open(str(path)) as source, av.open(str(tmp_path / "c.mka"), "w") as output:
        output.set_chapters(chapters)  # type: ignore[arg-type]
        stream = output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    convert(tmp_path / "c.mka", tmp_path / f"out.{form}", form=form)
    with av.open(str(tmp_path / f"out.{form}")) as made:
        found = [
            (float(each["start"] * each["time_base"]), each["metadata"]["title"])
            for each in made.chapters()
        ]
    assert found == [(0.0, "One"), (2.0, "Zwei")]


def test_a_damaged_file_keeps_what_can_be_heard(sample: Sample, tmp_path: Path) -> None:
    content = bytearray(sample("mp3").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = bytes(3000)
    (tmp_path / "bad.mp3").write_bytes(content)
    made = convert(tmp_path / "bad.mp3", tmp_path / "out.opus")
    assert made["seconds"] == pytest.approx(8, abs=0.6)


def test_a_silent_film_has_no_sound(tmp_path: Path) -> None:
    target = tmp_path / "out.opus"
    with pytest.raises(InvalidMedia, match="the file has no sound"):
        convert(make_video(tmp_path / "v.mp4", 1, audio=""), target)
    assert not target.exists()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"form": "aac"}, "'aac' is no format to convert to"),
        ({"form": "wav", "bitrate": 64000}, "wav has no bit rate to choose"),
        ({"form": "opus", "bitrate": 1000}, "the bit rate of opus is 6 to 256 kb/s"),
        ({"form": "mp3", "bitrate": 400_000}, "the bit rate of mp3 is 8 to 320 kb/s"),
        ({"form": "mp3", "bitrate": 24000, "rate": 44100}, "of mp3 at 44100 Hz is 32 to 320 kb/s"),
        ({"form": "mp3", "bitrate": 192_000, "rate": 22050}, "of mp3 at 22050 Hz is 8 to 160"),
        ({"form": "opus", "rate": 44100}, "opus has no sample rate of 44100"),
        ({"form": "mp3", "rate": 1}, "mp3 has no sample rate of 1"),
    ],
)
def test_what_a_format_does_not_have(
    sample: Sample, tmp_path: Path, wanted: dict[str, Any], said: str
) -> None:
    target = tmp_path / "out"
    with pytest.raises(UsageError, match=said) as caught:
        convert(sample("mp3"), target, **wanted)
    assert caught.value.hint
    assert not target.exists()


@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk_leaves_the_old_file(sample: Sample, tmp_path: Path, form: str) -> None:
    target = tmp_path / f"out.{form}"
    target.write_bytes(b"old")
    failpoints.arm("copy.fsync:1:enospc")
    try:
        with pytest.raises(StorageFull):
            convert(sample("mp3"), target, form=form)
    finally:
        failpoints.arm("")
    assert target.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == [target.name]
