"""What a probe tells of good, odd and shortened files."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from media_samples import (
    cut,
    hollow,
    image_bytes,
    make,
    make_audio,
    make_video,
    with_chapters,
    with_cover,
)

from vidctl.errors import InvalidMedia
from vidctl.files import BLOCK
from vidctl.media import completeness
from vidctl.media.completeness import _End
from vidctl.media.probe import MAX_TRACKS, probe
from vidctl.media.tags import MAX_TAGS, MAX_VALUE
from vidctl.model.media import Probe, Track

Sample = Callable[[str], Path]


def test_a_video(sample: Sample) -> None:
    path = sample("mp4")
    found = probe(path)
    video, audio = found.streams
    assert found == Probe(
        kind="video",
        format="mp4",
        duration=8.0,
        size=path.stat().st_size,
        video_codec="h264",
        audio_codec="aac",
        width=160,
        height=90,
        fps=10.0,
        sample_rate=48000,
        channels=1,
        truncated=False,
        tags={"encoder": found.tags["encoder"]},
        bit_rate=round(8 * path.stat().st_size / 8.0),
        stream_count=2,
        streams=(
            Track(
                0,
                "video",
                "h264",
                width=160,
                height=90,
                fps=10.0,
                bit_rate=video.bit_rate,
                is_default=True,
            ),
            Track(
                1,
                "audio",
                "aac",
                sample_rate=48000,
                channels=1,
                layout="mono",
                bit_rate=audio.bit_rate,
                is_default=True,
            ),
        ),
    )
    assert 60_000 < (audio.bit_rate or 0) < 120_000


@pytest.mark.parametrize(
    ("suffix", "form", "codec"),
    [
        ("mp3", "mp3", "mp3"),
        ("m4a", "m4a", "aac"),
        ("aac", "aac", "aac"),
        ("flac", "flac", "flac"),
        ("wav", "wav", "pcm_s16le"),
        ("aiff", "aiff", "pcm_s16be"),
        ("ogg", "ogg", "opus"),
    ],
)
def test_sound(suffix: str, form: str, codec: str, sample: Sample) -> None:
    found = probe(sample(suffix))
    assert (found.kind, found.format, found.audio_codec) == ("audio", form, codec)
    assert (found.video_codec, found.width, found.height, found.fps) == (None, None, None, None)
    assert found.duration == pytest.approx(8.0, abs=0.1)
    assert not found.truncated


@pytest.mark.parametrize(
    ("suffix", "form", "codecs"),
    [
        ("mov", "mov", ("h264", "aac")),
        ("mkv", "matroska", ("h264", "aac")),
        ("webm", "webm", ("vp8", "opus")),
        ("ts", "mpegts", ("h264", "aac")),
        ("avi", "avi", ("h264", "mp3")),
        ("flv", "flv", ("h264", "aac")),
        ("mpg", "mpeg", ("mpeg2video", "mp2")),
        ("wmv", "asf", ("msmpeg4v3", "wmav2")),
    ],
)
def test_other_videos(suffix: str, form: str, codecs: tuple[str, str], sample: Sample) -> None:
    found = probe(sample(suffix))
    assert (found.kind, found.format) == ("video", form)
    assert (found.video_codec, found.audio_codec) == codecs
    assert (found.width, found.height) == (160, 90)
    assert found.duration == pytest.approx(8.0, abs=0.2)
    assert not found.truncated


def test_the_content_decides_and_not_the_name(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "talk.mp3"
    path.write_bytes(sample("mkv").read_bytes())
    assert (probe(path).kind, probe(path).format) == ("video", "matroska")


def test_a_video_without_sound(tmp_path: Path) -> None:
    found = probe(make_video(tmp_path / "silent.mp4", audio=""))
    assert (found.kind, found.audio_codec) == ("video", None)
    assert (found.sample_rate, found.channels) == (None, None)


def test_cover_art_is_not_a_video(sample: Sample, tmp_path: Path) -> None:
    path = with_cover(sample("mp3"), tmp_path / "song.mp3", image_bytes("JPEG"))
    found = probe(path)
    assert (found.kind, found.video_codec, found.width) == ("audio", None, None)
    assert (found.duration, found.truncated) == (8.0, False)


@pytest.mark.parametrize(
    ("turn", "size"), [(90, (90, 160)), (-90, (90, 160)), (180, (160, 90)), (0, (160, 90))]
)
def test_size_is_that_of_the_upright_picture(
    turn: int, size: tuple[int, int], tmp_path: Path
) -> None:
    found = probe(make_video(tmp_path / "phone.mp4", 1, rotation=turn))
    assert (found.width, found.height) == size


def test_size_is_that_of_square_pixels(tmp_path: Path) -> None:
    found = probe(make_video(tmp_path / "dvd.mkv", 1, aspect=Fraction(3, 2)))
    assert (found.width, found.height) == (240, 90)


def test_tags_are_cleaned_and_bounded(tmp_path: Path) -> None:
    tags = {"TITLE": "A \x1b[31mred\x07 title\u202e\t!", "comment": "one\r\ntwo\rthree"}
    tags |= {"description": "x" * 20_000, "  \x01 ": "nothing", "k" * 200: "long"}
    tags |= {f"tag{number}": "value" for number in range(200)}
    found = probe(make_video(tmp_path / "tags.mkv", 1, tags=tags)).tags
    assert found["title"] == "A [31mred title !"
    assert found["comment"] == "one\ntwo\nthree"
    assert len(found["description"]) == MAX_VALUE
    assert found["k" * 64] == "long"
    assert len(found) <= MAX_TAGS
    assert "" not in found


def test_tags_of_an_mp4_leave_out_what_the_container_says_of_itself(tmp_path: Path) -> None:
    found = probe(make_video(tmp_path / "t.mp4", 1, tags={"title": "Vögel", "artist": "Ana"})).tags
    assert {key: found[key] for key in ("title", "artist")} == {"title": "Vögel", "artist": "Ana"}
    assert "major_brand" not in found


def test_tags_of_ogg_and_of_broken_encodings(sample: Sample, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "talk.ogg", 1, codec="libopus", tags={"title": "Kingfisher"})
    assert probe(path).tags["title"] == "Kingfisher"
    path.write_bytes(path.read_bytes().replace(b"Kingfisher", b"King\xff\xfeshe"))
    # Ogg has checksums: the damaged page may be refused, but the damage is not ours to report.
    mkv = make_video(tmp_path / "talk.mkv", 1, tags={"title": "Kingfisher"})
    mkv.write_bytes(mkv.read_bytes().replace(b"Kingfisher", b"King\xff\xfesher"))
    assert probe(mkv).tags["title"] == "King\ufffd\ufffdsher"


# --- files cut short ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "suffix", ["mp4", "mkv", "webm", "avi", "flv", "wmv", "mp3", "flac", "wav", "aiff"]
)
def test_a_file_cut_short(suffix: str, sample: Sample, tmp_path: Path) -> None:
    found = probe(cut(sample(suffix), tmp_path / f"cut.{suffix}"))
    assert found.truncated
    assert found.duration == pytest.approx(4.8, abs=0.8)


@pytest.mark.parametrize("suffix", ["ts", "mpg", "ogg", "aac"])
def test_formats_without_a_stated_duration_play_what_is_left(
    suffix: str, sample: Sample, tmp_path: Path
) -> None:
    found = probe(cut(sample(suffix), tmp_path / f"cut.{suffix}"))
    assert not found.truncated
    assert found.duration == pytest.approx(4.8, abs=0.8)


@pytest.mark.parametrize(
    "suffix", ["mp4", "mkv", "webm", "ts", "avi", "flv", "mpg", "wmv", "mp3", "aac", "flac", "ogg"]
)
def test_a_download_that_left_a_hole(suffix: str, sample: Sample, tmp_path: Path) -> None:
    found = probe(hollow(sample(suffix), tmp_path / f"hole.{suffix}"))
    assert found.truncated
    assert found.duration == pytest.approx(4.8, abs=1.2)


def test_a_hole_in_a_video_without_sound(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 8, audio="", options={"movflags": "+faststart"})
    found = probe(hollow(path, tmp_path / "hole.mp4", 0.5))
    assert found.truncated
    assert found.duration == pytest.approx(4.0, abs=1.2)


def test_tracks_that_lie_behind_each_other(tmp_path: Path) -> None:
    options = {"movflags": "+faststart", "max_interleave_delta": "1"}
    path = make_video(tmp_path / "v.mov", 8, is_interleaved=False, options=options)
    assert not probe(path).truncated
    assert probe(cut(path, tmp_path / "cut.mov", 0.7)).truncated


def test_a_loss_below_a_second_is_not_reported(sample: Sample, tmp_path: Path) -> None:
    path = cut(sample("flac"), tmp_path / "cut.flac", 0.95)
    found = probe(path)
    assert (found.duration, found.truncated) == (8.0, False)


def test_without_verify_the_header_is_believed(sample: Sample, tmp_path: Path) -> None:
    path = cut(sample("mp4"), tmp_path / "cut.mp4")
    found = probe(path, verify=False)
    assert (found.duration, found.truncated) == (8.0, False)


@pytest.mark.parametrize("verify", [True, False])
def test_a_recording_without_a_duration_is_measured(verify: bool, tmp_path: Path) -> None:
    stream = make(io.BytesIO(), seconds=4.0, form="matroska", options={"live": "1"})
    path = tmp_path / "live.mkv"
    path.write_bytes(stream.getvalue())
    found = probe(path, verify=verify)
    assert found.duration == pytest.approx(4.0, abs=0.1)
    assert not found.truncated


def test_a_header_that_promises_too_little_is_corrected(sample: Sample, tmp_path: Path) -> None:
    content = sample("mkv").read_bytes()
    place = content.index(b"\x44\x89\x88") + 3
    path = tmp_path / "short.mkv"
    path.write_bytes(content[:place] + struct.pack(">d", 2000.0) + content[place + 8 :])
    assert probe(path, verify=False).duration == 2.0
    assert probe(path).duration == pytest.approx(8.0, abs=0.1)


def test_an_estimate_is_not_a_promise(tmp_path: Path) -> None:
    """Without a Xing header FFmpeg guesses the duration of a variable-rate MP3 from its size."""
    quiet = make_audio(tmp_path / "a.mp3", 8, codec="libmp3lame", options={"write_xing": "0"})
    found = probe(quiet)
    assert found.duration == pytest.approx(8.0, abs=0.1)
    assert not found.truncated


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0, 36])
def test_a_wav_that_was_streamed_states_no_size(size: int, sample: Sample, tmp_path: Path) -> None:
    content = bytearray(sample("wav").read_bytes())
    content[4:8] = size.to_bytes(4, "little")
    path = tmp_path / "streamed.wav"
    path.write_bytes(content)
    assert (probe(path).duration, probe(path).truncated) == (8.0, False)


def test_tracks_of_different_length_are_normal(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 8, sound_seconds=3)
    assert (probe(path).duration, probe(path).truncated) == (8.0, False)


def test_nothing_decodes(sample: Sample, tmp_path: Path) -> None:
    """The index is whole and every sample is noise, as in a copy-protected file."""
    content = bytearray(sample("m4a").read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[start:end] = bytes([255]) * (end - start)
    path = tmp_path / "protected.m4a"
    path.write_bytes(content)
    with pytest.raises(InvalidMedia, match="damaged or copy-protected"):
        probe(path)


def test_one_damaged_timestamp_does_not_stretch_a_file() -> None:
    end = _End(0.001, 10_000)
    for start in (0, 20, 4_294_967_000, 40, 60):
        end.see(start, start + 20)
    assert end.ticks == 80
    for start in (70_000, 70_020):
        end.see(start, start + 20)
    assert end.ticks == 70_040


def test_a_hole_is_measured_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "hole"
    path.write_bytes(random.Random(1).randbytes(BLOCK) + b"\1" + bytes(3 * BLOCK - 1))
    assert completeness._hole_growth(path) == pytest.approx(4, rel=0.001)
    path.write_bytes(bytes(10))
    assert completeness._hole_growth(path) == 1.0


# --- streams ------------------------------------------------------------------------------------


def make_tracks(path: Path) -> Path:
    """Write a film in high dynamic range with two languages and subtitles."""
    import av
    from av.stream import Disposition

    film = make_video(path.with_name("film.mkv"), 1)
    text = io.BytesIO(b"1\n00:00:00,000 --> 00:00:01,000\nhola\n")
    with (
        av.open(str(film)) as source,
        av.open(text, "r", format="srt") as words,
        av.open(str(path), "w") as output,
    ):
        video = output.add_stream_from_template(source.streams.video[0])
        spoken = {
            code: output.add_stream_from_template(source.streams.audio[0])
            for code in ("eng", "spa")
        }
        subtitles = output.add_stream_from_template(words.streams.subtitles[0])
        for code, stream in spoken.items():
            stream.metadata["language"] = code
        spoken["eng"].disposition = Disposition.default
        spoken["spa"].metadata["title"] = "Director\x07s\ncomments"
        subtitles.disposition = Disposition.forced
        subtitles.metadata["language"] = "und"
        for packet in [*source.demux(), *words.demux()]:
            if packet.dts is None:
                continue
            kind = packet.stream.type
            packet.stream = {"video": video, "audio": spoken["eng"], "subtitle": subtitles}[kind]
            output.mux(packet)
    return path


def test_streams(tmp_path: Path) -> None:
    found = probe(make_tracks(tmp_path / "a.mkv"))
    assert found.stream_count == 4
    told = [
        (each.index, each.type, each.codec, each.language, each.is_default, each.is_forced)
        for each in found.streams
    ]
    assert told == [
        (0, "video", "h264", "", False, False),
        (1, "audio", "aac", "eng", True, False),
        (2, "audio", "aac", "spa", False, False),
        (3, "subtitle", "subrip", "", False, True),
    ]
    assert found.streams[2].title == "Directors comments"


@pytest.mark.parametrize(("number", "name"), [(16, "PQ"), (18, "HLG"), (1, None)])
def test_dynamic_range(number: int, name: str | None, tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.color_trc = number
        for time in range(5):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.color_trc = time, number
            for packet in stream.encode(frame):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    assert probe(path).streams[0].dynamic_range == name


def test_of_many_streams_some_are_told(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mka"
    with av.open(str(path), "w") as output:
        streams = [output.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(130)]
        for stream in streams:
            frame = av.AudioFrame(format="s16", layout="mono", samples=800)
            frame.sample_rate, frame.pts = 8000, 0
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                output.mux(packet)
    found = probe(path)
    assert (found.stream_count, len(found.streams)) == (130, MAX_TRACKS)


def test_a_file_cut_short_says_what_was_promised(sample: Sample, tmp_path: Path) -> None:
    assert probe(sample("mp4")).promised is None
    found = probe(cut(sample("mp4"), tmp_path / "cut.mp4"))
    assert found.promised == 8.0
    assert found.duration == pytest.approx(4.8, abs=0.8)


def test_broken_text_in_chapters_and_streams_is_no_reason_to_refuse(
    sample: Sample, tmp_path: Path
) -> None:
    path = with_chapters(sample("mkv"), tmp_path / "a.mkv", ["Kingfisher"], 2)
    path.write_bytes(path.read_bytes().replace(b"Kingfisher", b"King\xff\xfesher"))
    assert [chapter.title for chapter in probe(path).chapters] == ["King\ufffd\ufffdsher"]
