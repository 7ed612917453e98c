"""The sound of a media file as a file of its own: Opus, MP3 or WAV, with its tags and cover."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vidctl.errors import UsageError
from vidctl.files import atomic_writer
from vidctl.media.audio import pcm
from vidctl.media.source import cover, open_media, packets, sound

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream
    from av.container import InputContainer, OutputContainer

DEFAULT_FORM = "opus"
LARGEST_COVER = 10_000_000
MOST_TAGS = 100
# FFmpeg's ID3 and Vorbis writers map these names; the others would tell of the old container.
_NOT_KEPT = frozenset(
    (
        *("major_brand", "minor_version", "compatible_brands", "encoder", "handler_name"),
        *("vendor_id", "creation_time", "duration", "metadata_block_picture"),
    )
)
_PICTURES = {"mjpeg": "image/jpeg", "png": "image/png"}
# The front cover in the table of picture types that ID3v2 (APIC) and FLAC share.
_FRONT_COVER = 3


@dataclass(frozen=True, slots=True)
class Form:
    """A format to convert to: container, encoder, bit rates in bits a second, sample rates in Hz.

    ``usual`` are the bit rates for mono and stereo. ``bands`` are (lowest sample rate, least and
    most bits a second from there on), the highest first.
    """

    container: str
    codec: str
    rates: tuple[int, ...]
    usual: tuple[int, int] | None = None
    bands: tuple[tuple[int, int, int], ...] = ()

    def bit_rates(self, rate: int) -> tuple[int, int]:
        """Return the least and the most bits a second for a sample rate."""
        return next((least, most) for floor, least, most in self.bands if rate >= floor)


_MPEG_RATES = (48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
# MPEG-1, MPEG-2 and MPEG-2.5 layer III have bit rates of their own (ISO/IEC 11172-3, 13818-3).
_MPEG_BANDS = ((32000, 32_000, 320_000), (16000, 8000, 160_000), (0, 8000, 64_000))
FORMS = {
    # RFC 6716 names these rates; speech sounds as it was at 32 kb/s.
    "opus": Form(
        "opus",
        "libopus",
        (48000, 24000, 16000, 12000, 8000),
        (40_000, 80_000),
        ((0, 6000, 256_000),),
    ),
    "mp3": Form("mp3", "libmp3lame", _MPEG_RATES, (64_000, 128_000), _MPEG_BANDS),
    "wav": Form("wav", "pcm_s16le", (192_000, 96_000, 88_200, *_MPEG_RATES)),
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    form: Form
    layout: str
    rate: int
    bitrate: int

    @property
    def channels(self) -> int:
        return 2 if self.layout == "stereo" else 1


def convert(
    path: Path,
    target: Path,
    *,
    form: str = DEFAULT_FORM,
    bitrate: int | None = None,
    mono: bool = False,
    rate: int | None = None,
) -> dict[str, Any]:
    """Write the main sound track of a file to ``target``; memory does not grow with its length.

    ``form`` is ``opus``, ``mp3`` or ``wav``, ``bitrate`` in bits and ``rate`` in samples a second;
    more than two channels become two. Pauses in the recording become silence, so that times stay.
    Tags and chapters are kept where the format has them, a cover in Opus and MP3. Returns
    ``format``, ``seconds``, ``channels``, ``rate``, ``bitrate`` (0 for WAV) and ``hasCover``.
    Raises UsageError for a value that the format does not have, InvalidMedia where there is no
    sound, and what ``open_media`` and ``atomic_writer`` raise.
    """
    import av

    checked = checked_form(form, bitrate, rate)
    picture = _picture(path) if checked.usual else None
    with open_media(path) as source:
        wanted = _chosen(checked, sound(source), bitrate=bitrate, mono=mono, rate=rate)
        with (
            atomic_writer(target) as file,
            av.open(file, "w", format=checked.container, options=_options(form)) as output,
        ):
            samples = _write(source, path, output, wanted, picture)
    return {
        "format": form,
        "seconds": round(samples / wanted.rate, 3),
        "channels": wanted.channels,
        "rate": wanted.rate,
        "bitrate": wanted.bitrate,
        "hasCover": picture is not None,
    }


def checked_form(name: str, bitrate: int | None, rate: int | None) -> Form:
    """Return the format of a name. Raises UsageError for a value that it does not have."""
    form = FORMS.get(name)
    if form is None:
        raise UsageError(f"{name!r} is no format to convert to", hint=", ".join(FORMS))
    if rate is not None and rate not in form.rates:
        rates = ", ".join(map(str, sorted(form.rates)))
        raise UsageError(f"{name} has no sample rate of {rate}", hint=f"one of {rates}")
    if bitrate is None:
        return form
    if form.usual is None:
        raise UsageError(
            f"{name} has no bit rate to choose", hint="--rate or --mono make it smaller"
        )
    bounds = [form.bit_rates(each) for each in ([rate] if rate else form.rates)]
    if not any(least <= bitrate <= most for least, most in bounds):
        least, most = min(low for low, _ in bounds), max(high for _, high in bounds)
        at = f" at {rate} Hz" if rate else ""
        raise UsageError(
            f"the bit rate of {name}{at} is {least // 1000} to {most // 1000} kb/s",
            hint=f"--bitrate {min(max(form.usual[0], least), most) // 1000}k",
        )
    return form


def _chosen(
    form: Form, stream: AudioStream | None, *, bitrate: int | None, mono: bool, rate: int | None
) -> _Wanted:
    """Fill in what was left open, as close to the source as the format allows."""
    context = stream.codec_context if stream is not None else None
    is_mono = mono or context is None or context.channels < 2
    rate = rate or _nearest(form, context.sample_rate if context is not None else 0, bitrate)
    if form.usual is None:
        return _Wanted(form, "mono" if is_mono else "stereo", rate, 0)
    least, most = form.bit_rates(rate)
    usual = min(max(form.usual[0 if is_mono else 1], least), most)
    return _Wanted(form, "mono" if is_mono else "stereo", rate, bitrate or usual)


def _nearest(form: Form, rate: int, bitrate: int | None) -> int:
    """Return the lowest sample rate that loses nothing, or the highest that has the bit rate."""
    fitting = [
        each
        for each in form.rates
        if bitrate is None or form.bit_rates(each)[0] <= bitrate <= form.bit_rates(each)[1]
    ]
    return min((each for each in fitting if each >= rate), default=max(fitting))


def _options(form: str) -> dict[str, str]:
    # A WAV file says its size in 32 bits; RF64 (EBU Tech 3306) has more, and only when needed.
    return {"rf64": "auto"} if form == "wav" else {}


def _write(
    source: InputContainer,
    path: Path,
    output: OutputContainer,
    wanted: _Wanted,
    picture: tuple[str, bytes] | None,
) -> int:
    """Encode the sound and return how many samples there are."""
    made = output.add_stream(wanted.form.codec, rate=wanted.rate, layout=wanted.layout)
    stream = cast("AudioStream", made)
    if wanted.bitrate:
        stream.bit_rate = wanted.bitrate
    tags = _tags(source)
    if wanted.form.container == "opus":
        # Ogg keeps tags, and the cover as one of them, with the stream.
        if picture is not None:
            tags["METADATA_BLOCK_PICTURE"] = _flac_picture(*picture)
        stream.metadata.update(tags)
    else:
        output.metadata.update(tags)
        if picture is not None:
            _attach(source, output, picture[1])
    output.set_chapters(source.chapters())
    samples = 0
    for frame in _frames(source, path, wanted):
        samples += frame.samples
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
    return samples


def _frames(source: InputContainer, path: Path, wanted: _Wanted) -> Iterator[AudioFrame]:
    import av

    done = 0
    for block in pcm(source, path, wanted.rate, layout=wanted.layout):
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout=wanted.layout)
        frame.sample_rate, frame.time_base, frame.pts = wanted.rate, Fraction(1, wanted.rate), done
        done += frame.samples
        yield frame


def _tags(source: InputContainer) -> dict[str, str]:
    found = dict(source.metadata)
    if source.format.name == "ogg":
        found = {**source.streams[0].metadata, **found}
    kept = [(key, value) for key, value in found.items() if key.lower() not in _NOT_KEPT]
    return {key: value.replace("\0", "") for key, value in kept[:MOST_TAGS]}


def _picture(path: Path) -> tuple[str, bytes] | None:
    """Return the media type and bytes of the cover, None where there is none worth keeping.

    The file is opened for this alone: to look for a cover is to read past the first sound.
    """
    with open_media(path) as source:
        stream = cover(source)
        mime = _PICTURES.get(stream.codec_context.name) if stream is not None else None
        if stream is None or mime is None:
            return None
        packet = next(packets(source, stream), None)
        content = bytes(packet) if packet is not None and packet.size else b""
    return (mime, content) if 0 < len(content) <= LARGEST_COVER else None


def _flac_picture(mime: str, content: bytes) -> str:
    """Return a cover as Vorbis comments hold it: a FLAC picture block (RFC 9639, 8.8) in base64."""
    head = struct.pack(">II", _FRONT_COVER, len(mime)) + mime.encode()
    # Description, width, height, depth and colours may be left empty.
    return base64.b64encode(
        head + struct.pack(">6I", 0, 0, 0, 0, 0, len(content)) + content
    ).decode()


def _attach(source: InputContainer, output: OutputContainer, content: bytes) -> None:
    """Add a cover as ID3 holds it: a video stream of one packet."""
    import av
    from av.stream import Disposition

    template = cover(source)
    assert template is not None
    stream = output.add_stream_from_template(template)
    stream.disposition = Disposition.attached_pic
    # FFmpeg's ID3 writer takes the kind of picture from here.
    stream.metadata["comment"] = "Cover (front)"
    packet = av.Packet(content)
    packet.stream, packet.pts, packet.dts = stream, 0, 0
    output.mux(packet)
