"""Where sound is quietest: the places at which a long recording can be cut."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Seconds for which one level is measured. A cut is made in the middle of three of them.
STEP = 0.1
SPREAD = 0.25


def levels(samples: NDArray[np.float32], rate: int = 16000) -> NDArray[np.float64]:
    """Return the mean square of every whole tenth of a second."""
    import numpy as np

    size = round(rate * STEP)
    steps = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    return np.asarray(np.mean(steps * steps, axis=1))


def quiet_cuts(loudness: NDArray[Any], duration: float, seconds: float) -> list[float]:
    """Cut ``duration`` seconds of sound into stretches of 0.75 to 1.25 times ``seconds``.

    Each cut is in the middle of the quietest 0.3 s of its range, and of several equally quiet
    ones in that nearest to the middle. No stretch is shorter, save the last, which has at least a
    quarter. Returns the moments of the cuts, none for a duration of up to 1.25 times ``seconds``,
    which must be 1 or more.
    """
    import numpy as np

    sums = loudness[:-2] + loudness[1:-1] + loudness[2:]
    cuts: list[float] = []
    last = 0.0
    while duration - last > (1 + SPREAD) * seconds:
        earliest = last + (1 - SPREAD) * seconds
        latest = min(last + (1 + SPREAD) * seconds, duration - SPREAD * seconds)
        # The sum at index i is that of 0.3 s whose middle is at (i + 1.5) steps.
        first, end = math.ceil(earliest / STEP - 1.5), math.floor(latest / STEP - 1.5) + 1
        quietest = first + np.flatnonzero(sums[first:end] == sums[first:end].min())
        middles = (quietest + 1.5) * STEP
        last = round(float(middles[np.argmin(np.abs(middles - last - seconds))]), 3)
        cuts.append(last)
    return cuts
