"""Media files as people see them: what is in one, its outline, and what was made."""

from __future__ import annotations

from typing import Any

from vidctl.cli.charts import sparkline, spread
from vidctl.cli.text import fit, pad, size, visible, wrapped
from vidctl.timecode import clock, iso

FIELD = 12
MOST_STREAMS, MOST_CHAPTERS = 20, 50
UNBOUNDED = 1_000_000

ROWS = (
    ("role", lambda row: str(row["role"])),
    ("host", lambda row: str(row["host"])),
    ("size", lambda row: size(row["size"])),
    ("filename", lambda row: str(row["filename"])),
    ("created", lambda row: iso(row["createdAt"])[:10]),
    ("state", lambda row: "cut short" if row["truncated"] else ""),
    ("url", lambda row: str(row["url"])),
)


def probed(data: dict[str, Any], columns: int) -> str:
    """Return what is in a media file, one field a line, then streams, chapters and tags."""
    name = data["item"] or data["source"]
    lines = [fit(visible(name), columns), ""]
    for label, value in _facts(data).items():
        lines += _field(label, value, columns) if value else []
    if data["streams"]:
        streams = data["streams"][:MOST_STREAMS]
        lines += ["", "Streams", *(fit(f"  {_stream(each)}", columns) for each in streams)]
        lines += _rest(data["streamCount"] - len(streams), "streams")
    if data["chapters"]:
        lines += ["", "Chapters", *chapter_lines(data["chapters"], columns)]
    if data["tags"]:
        lines += ["", "Tags"]
        for key, value in data["tags"].items():
            lines += _field(f"  {visible(key)}", visible(value), columns)
    return "\n".join(lines)


def _facts(data: dict[str, Any]) -> dict[str, str]:
    length = _time(data["duration"])
    if data["truncated"]:
        promised = f" of {_time(data['promised'])}" if data["promised"] else ""
        length += f"{promised}: the file was cut short"
    return {
        "kind": f"{data['kind']} ({data['format']})",
        "duration": length,
        "size": size(data["size"]),
        "bit rate": _rate(data["bitRate"]),
        "picture": ", ".join(_picture(data)),
        "sound": ", ".join(_sound(data)),
        "cover": "yes" if data["hasCover"] else "",
        "loudness": loudness_said(data["loudness"]) if "loudness" in data else "",
    }


def _picture(media: dict[str, Any]) -> list[str]:
    said = [visible(media["videoCodec"])] if media.get("videoCodec") else []
    if media.get("width"):
        turned = f", turned by {media['rotation']}°" if media.get("rotation") else ""
        said.append(f"{media['width']}x{media['height']}{turned}")
    if media.get("fps"):
        said.append(f"{media['fps']:g} fps")
    return said


def _sound(media: dict[str, Any]) -> list[str]:
    said = [visible(media["audioCodec"])] if media.get("audioCodec") else []
    if media.get("sampleRate"):
        said.append(f"{media['sampleRate'] / 1000:g} kHz")
    if media.get("channels"):
        said.append(_channels(media["channels"]))
    return said


def _channels(count: int) -> str:
    return {1: "mono", 2: "stereo"}.get(count, f"{count} channels")


def _layout(track: dict[str, Any]) -> str:
    """Return how channels are laid out; FFmpeg counts those of a file that does not say."""
    layout = str(track.get("layout") or "")
    return _channels(track["channels"]) if not layout or "channels" in layout else layout


def media_said(media: dict[str, Any]) -> str:
    """Return the property ``media`` of an item in one line: format, picture, sound, size."""
    said = [visible(str(media["format"]))] if media.get("format") else []
    said += [*_picture(media), *_sound(media)]
    said += [size(media["size"])] if media.get("size") else []
    said += ["cut short"] if media.get("truncated") else []
    # An MP3 has its codec's name for a format.
    return ", ".join(dict.fromkeys(said))


def is_cut_short(properties: dict[str, Any]) -> bool:
    """Tell whether an item's file ends before its end, as ``upload --allow-truncated`` marks it."""
    return bool((properties.get("media") or {}).get("truncated"))


def loudness_said(measured: dict[str, float]) -> str:
    """Return a loudness with its units, by EBU R 128."""
    units = (("integrated", "LUFS"), ("range", "LU range"), ("truePeak", "dBTP peak"))
    said = [f"{measured[key]:.1f} {unit}" for key, unit in units if key in measured]
    return ", ".join(said) or "silent"


def chapter_lines(chapters: list[dict[str, Any]], columns: int = UNBOUNDED) -> list[str]:
    """Return where each chapter begins, with its title; of very many, the first."""
    shown = chapters[:MOST_CHAPTERS]
    # Times stand one below the other.
    cells = max((len(clock(each["start"])) for each in shown), default=0)
    lines = [
        fit(f"  {clock(each['start']):>{cells}}  {visible(each.get('title') or '')}", columns)
        for each in shown
    ]
    lines = [line.rstrip() for line in lines]
    return lines + _rest(len(chapters) - len(shown), "chapters")


def _rest(count: int, noun: str) -> list[str]:
    return [f"  and {count:,} more {noun}; --json lists them"] if count > 0 else []


def _field(label: str, value: str, columns: int) -> list[str]:
    """Return a field's lines; those that follow are indented as far as the first."""
    head = pad(fit(label, FIELD - 2), FIELD)
    lines = wrapped(value, columns, " " * FIELD)
    return [head + lines[0][FIELD:], *lines[1:]]


def _stream(track: dict[str, Any]) -> str:
    said = [f"{track['index']}  {pad(track['type'], 10)}  {track.get('codec') or 'unknown'}"]
    if track.get("width"):
        said.append(f"{track['width']}x{track['height']}")
    if track.get("dynamicRange"):
        said.append(str(track["dynamicRange"]))
    if track.get("sampleRate"):
        said.append(f"{track['sampleRate'] / 1000:g} kHz")
    said += [_layout(track)] if track.get("channels") else []
    said += [str(track["language"])] if track.get("language") else []
    said += [_rate(track["bitRate"])] if track.get("bitRate") else []
    said += [visible(track["title"])] if track.get("title") else []
    return ", ".join(said)


def _time(seconds: float) -> str:
    return f"{clock(seconds)} ({seconds:.1f} s)"


def _rate(bits: int | None) -> str:
    return f"{bits / 1000:,.0f} kb/s" if bits else ""


def outline(data: dict[str, Any], columns: int, *, ascii: bool) -> str:
    """Draw a waveform in one line, with times below and what it is made of."""
    values = data["data"]
    heights = [max(high, -low) for low, high in zip(values[::2], values[1::2], strict=True)]
    seconds = data["length"] * data["samples_per_pixel"] / data["sample_rate"]
    drawn = sparkline(heights, columns=columns, ascii=ascii)
    marks = [clock(seconds * share) for share in (0, 0.5, 1)]
    times = spread(marks, len(drawn)) if len(drawn) >= 24 else clock(seconds)
    about = f"{data['length']:,} points, {data['samples_per_pixel']:,} samples each"
    kept = f", in {visible(data['file'])}" if data.get("file") else ""
    kept = f", on {data['host']}" if data.get("host") else kept
    return "\n".join([drawn, times, about + kept])


def made(data: dict[str, Any], what: str, *, is_rehearsal: bool) -> str:
    """Say what was made and where it is."""
    name = visible(data["item"] or data["source"])
    place = visible(data["file"]) if data.get("file") else f"kept on {data['host']}"
    if is_rehearsal:
        return f"would make a {what} of {name}: {place}"
    if data.get("changed") is False:
        return f"the {what} of {name} is as it was: {place}"
    return ", ".join([f"made a {what} of {name}: {place}", *_details(data)])


def _details(data: dict[str, Any]) -> list[str]:
    said = []
    if "pictures" in data:
        count = data["pictures"] if isinstance(data["pictures"], int) else len(data["pictures"])
        said.append("1 picture" if count == 1 else f"{count:,} pictures")
    if "every" in data:
        said.append(f"one every {data['every']:g} s")
    if "at" in data:
        said.append(f"at {clock(data['at'])}")
    if "width" in data:
        said.append(f"{data['width']}x{data['height']}")
    if "seconds" in data:
        said.append(f"{data['seconds']:.1f} s")
    if "channels" in data:
        said.append("mono" if data["channels"] == 1 else "stereo")
    if "size" in data:
        said.append(size(data["size"]))
    return said
