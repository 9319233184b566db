"""Draws what was measured of digests: how the ways compare, and how their time grows."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.digests import LABELS
from benchmarks.figures import Section

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
_SIZE_INCHES = (8.0, 3.6)


def draw(folder: Path, sections: Sequence[Section]) -> None:
    """Draw the pictures of the sections that have any."""
    for section in sections:
        if section.name == "digest":
            folder.mkdir(exist_ok=True)
            draw_bars(folder / "digest-ways.svg", section.data)
            draw_growth(folder / "digest-growth.svg", section.data)


def draw_bars(path: Path, data: dict[str, Any]) -> None:
    """Draw the accounts per second of each way, the slowest first."""
    rates = {
        name: [run["accounts"] / run["seconds"] for run in data["runs"][name]] for name in LABELS
    }
    names = sorted(LABELS, key=lambda name: median(rates[name]), reverse=True)
    figure, axes = _axes(f"Accounts checked per second, {data['sizes']['large']:,} in all")
    middles = [median(rates[name]) for name in names]
    spread = [
        [middle - min(rates[name]) for name, middle in zip(names, middles, strict=True)],
        [max(rates[name]) - middle for name, middle in zip(names, middles, strict=True)],
    ]
    colours = ["#2a6f97" if "digest" in LABELS[name] else "#adb5bd" for name in names]
    drawn = axes.barh([LABELS[name].replace("`", "") for name in names], middles, color=colours)
    axes.errorbar(middles, range(len(names)), xerr=spread, fmt="none", ecolor="#343a40")
    axes.bar_label(drawn, labels=[f"{middle:,.0f}" for middle in middles], padding=4)
    axes.set_xscale("log")
    axes.set_xlabel("accounts/s, logarithmic; lines from the least to the most of all rounds")
    axes.margins(x=0.2)
    _save(figure, path)


def draw_growth(path: Path, data: dict[str, Any]) -> None:
    """Draw the seconds of both scans over the number of accounts."""
    figure, axes = _axes("Time of a whole check")
    for method, colour in (("digest", "#2a6f97"), ("exact", "#6c757d")):
        runs = [
            data["runs"][method if size == "large" else f"{method}_{size}"]
            for size in data["sizes"]
        ]
        seconds = [median(run["seconds"] for run in each) for each in runs]
        axes.plot(list(data["sizes"].values()), seconds, "o-", color=colour, label=LABELS[method])
    axes.set_xlabel("accounts")
    axes.set_ylabel("seconds")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False)
    _save(figure, path)


def _axes(title: str) -> tuple[Any, Any]:
    # Only who draws needs it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None})
