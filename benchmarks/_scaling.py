"""How the time of linking grows with the rows of a file and with the clients of an agency, and the plot of it in docs.

    python -m benchmarks._scaling [CLIENTS ...]        # default 10000 100000 1000000
        --rows 5000 10000 20000 50000    files of so many rows
        --keep                           cities stay, and the next run takes them as they are
        --plot FILE                      where the plot goes; default docs/images/linking-scaling.svg

Growth is printed as exponents between neighbouring sizes: rows 1 is linear, clients 0 is none. matplotlib is in
requirements-bench.txt.
"""

import argparse
import subprocess
import sys
from math import log
from pathlib import Path

from matplotlib import pyplot

from benchmarks.linking import ROOT, CityData, connect, ours, settle  # first: it sets Django up

PLOT = ROOT / "docs" / "images" / "linking-scaling.svg"
Times = dict[int, dict[int, float]]  # clients → rows → seconds of linking


def measured(clients: int, rows: list[int], *, keep: bool) -> dict[int, float]:
    """Seconds of linking per length of file, as far as the city has rows; the shortest goes first once for nothing."""
    data = CityData(clients)
    if not data.exists():
        subprocess.run([sys.executable, str(ROOT / "benchmarks" / "linking.py"), str(clients), "--make"], check=True)
    connect(data)
    lengths = sorted(number for number in rows if number <= clients)
    ours(data, lengths[0])
    found = {}
    for number in lengths:
        settle(data)
        found[number] = ours(data, number).linking
        print(f"{clients:>10,} clients {number:>7,} rows {found[number]:>7.2f} s", flush=True)
    if not keep:
        data.drop()
    return found


def growth(times: dict[int, float]) -> str:
    """Exponents between neighbours."""
    steps = zip(list(times.items()), list(times.items())[1:], strict=False)
    return ", ".join(f"{log(later / before) / log(n / m):.2f}" for (m, before), (n, later) in steps)


def draw(times: Times, path: Path) -> None:
    """Seconds over rows, one line per city; and over clients, one line per length of file."""
    pyplot.rcParams.update({"svg.hashsalt": "ccd", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for clients, found in times.items():
        left.plot(list(found), list(found.values()), marker="o", label=f"{clients:,} clients")
    left.set(xlabel="rows of the file", ylabel="seconds of linking", xlim=(0, None), ylim=(0, None))
    for number in sorted({number for found in times.values() for number in found}):
        here = {clients: found[number] for clients, found in times.items() if number in found}
        if len(here) > 1:
            right.plot(list(here), list(here.values()), marker="o", label=f"{number:,} rows")
    right.set(xlabel="clients", xscale="log", ylim=(0, None))
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("clients", nargs="*", type=int)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000, 10_000, 20_000, 50_000])
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--plot", type=Path, default=PLOT)
    given = parser.parse_args()
    sizes = given.clients or [10_000, 100_000, 1_000_000]
    all_times = {size: measured(size, given.rows, keep=given.keep) for size in sizes}
    for size, found in all_times.items():
        print(f"{size:>10,} clients: with rows grows by exponents {growth(found)}")
    for number in given.rows:
        here = {size: found[number] for size, found in all_times.items() if number in found}
        if len(here) > 1:
            print(f"{number:>10,} rows: with clients grows by exponents {growth(here)}")
    draw(all_times, given.plot)
