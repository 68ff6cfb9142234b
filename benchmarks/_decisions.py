"""Every decision of linking about a city's file, with its evidence, as lines of JSON: taken before and after a change
that should make linking faster and nothing else, the two files are equal. Make the city first: linking.py --make.

    python -m benchmarks._decisions CLIENTS ROWS FILE [--profile]
"""

import argparse
import cProfile
import json
import pstats
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.linking import CityData, connect, ours, pipeline  # first: it sets Django up

# New people have a random client_id: of them only the road is told.
_DECIDED = """
    SELECT row_number, outcome, reason_code, reason, road,
           CASE WHEN road NOT IN ('new', 'file') THEN client_id::text END, candidate_ids::text[], score, evidence
    FROM staging ORDER BY row_number
"""


def record(path: Path, link: Callable[..., None], profiler: cProfile.Profile | None) -> Callable[..., None]:
    """`link`, which then writes what it decided to `path` and tells how long it took."""

    def linked(cursor: Any, *given: Any, **named: Any) -> None:
        started = perf_counter()
        if profiler:
            profiler.enable()
        link(cursor, *given, **named)
        if profiler:
            profiler.disable()
        print(f"linked in {perf_counter() - started:.2f} s")
        cursor.execute(_DECIDED)
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, default=str, sort_keys=True) + "\n" for row in cursor)

    return linked


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("clients", type=int)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    watching = cProfile.Profile() if asked.profile else None
    pipeline.link_rows = record(asked.file, pipeline.link_rows, watching)
    city = CityData(asked.clients)
    connect(city)
    ours(city, asked.rows)
    if watching:
        pstats.Stats(watching).sort_stats("tottime").print_stats(35)
