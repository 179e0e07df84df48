"""Formats samples as a table and a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from benchmarks.measure import Sample

WIDTH, ROW, LEFT, RIGHT = 760, 26, 210, 90
OURS, THEIRS = "#2a6f97", "#a9a9a9"


@dataclass(frozen=True)
class Spread:
    """Median, minimum and maximum."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of some numbers."""
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 1) -> str:
        """Format as `1.4 (1.3-1.7)`."""
        return f"{self.middle:.{digits}f} ({self.low:.{digits}f}-{self.high:.{digits}f})"


def ratios(samples: Sequence[Sample], base: Sequence[Sample]) -> Spread:
    """Return wall times divided by the base's in the same rounds, which cancels slow rounds."""
    return Spread.of([one.wall / other.wall for one, other in zip(samples, base, strict=True)])


def excess(samples: Sequence[Sample], base: Sequence[Sample]) -> Spread:
    """Return wall times minus the base's in the same rounds, in seconds."""
    return Spread.of([one.wall - other.wall for one, other in zip(samples, base, strict=True)])


def table(results: Mapping[str, Sequence[Sample]], base: str) -> str:
    """Return a Markdown table; ratios are relative to the contender `base`."""
    lines = [
        f"| | wall, s | / {base} | CPU, s | peak memory, MB | written, MB | result, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, samples in results.items():
        ratio = ratios(samples, results[base]).text(2) if base in results else "-"
        peak = max(sample.peak for sample in samples) / 1e6
        cell = name.replace("|", r"\|")
        lines.append(
            f"| {cell} | {Spread.of([s.wall for s in samples]).text()} | {ratio} |"
            f" {median(s.cpu for s in samples):.1f} | {peak:.0f} |"
            f" {median(s.written for s in samples) / 1e6:.0f} |"
            f" {median(s.size for s in samples) / 1e6:.0f} |"
        )
    return "\n".join(lines) + "\n"


def plot(title: str, results: Mapping[str, Sequence[Sample]]) -> str:
    """Return a plot: a bar for each contender's median wall time, with its spread as a line."""
    spreads = {name: Spread.of([s.wall for s in samples]) for name, samples in results.items()}
    longest = max(spread.high for spread in spreads.values())
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = ROW * len(spreads) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-size="13">',
        "<style>text { font-family: sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for index, (name, spread) in enumerate(spreads.items()):
        y = 34 + index * ROW
        colour = OURS if name.startswith("bundle") else THEIRS
        low, high = LEFT + spread.low * scale, LEFT + spread.high * scale
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y + 2}" width="{spread.middle * scale:.1f}" height="16" fill="{colour}"/>',
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 10}" y2="{y + 10}" stroke="black"/>',
            f'<text x="{high + 6:.1f}" y="{y + 14}">{spread.middle:.1f} s</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
