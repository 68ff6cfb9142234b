"""Splink on the clients and rows of a city: how long its predict step takes, and how many rows find their client.

    python -m benchmarks._splink_city CLIENTS ROWS     # prints one line of JSON

The export of the clients, the tables of term frequencies and the training are done before and not counted. Blocking is
on what our match keys are made of, compared is what we compare.
"""

import json
import os
import sys
from time import perf_counter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")

import django

django.setup()

import duckdb  # noqa: E402
import pandas  # noqa: E402
import splink.comparison_library as cl  # noqa: E402
from django.db import connection  # noqa: E402
from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: E402

from benchmarks._city_data import CityData, connect  # noqa: E402
from core.normalise import fold  # noqa: E402

NAMES = ("unique_id", "first_name", "last_name", "dob", "phone", "email", "postal_code", "street")
_CLIENTS = """
    SELECT client_id::text, first_folded, last_folded, to_char(dob, 'YYYY-MM-DD'), right(phone_digits, 10),
           lower(email), postal_key, ccd_street(address) FROM clients
"""


def settings() -> SettingsCreator:
    """Levels and blocks like ours."""
    names = [cl.JaroWinklerAtThresholds(name, [0.92, 0.88, 0.7]) for name in ("first_name", "last_name")]
    return SettingsCreator(
        link_type="link_only",
        comparisons=[
            *[name.configure(term_frequency_adjustments=True) for name in names],
            cl.DamerauLevenshteinAtThresholds("dob", [1, 2]).configure(term_frequency_adjustments=True),
            cl.ExactMatch("phone"),
            cl.ExactMatch("email"),
            cl.ExactMatch("postal_code"),
            cl.JaroWinklerAtThresholds("street", [0.9]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("phone"),
            block_on("email"),
            block_on("dob", "substr(first_name, 1, 1)"),
            block_on("dob", "substr(last_name, 1, 1)"),
            block_on("first_name", "last_name"),
            block_on("substr(first_name, 1, 3)", "substr(last_name, 1, 3)", "substr(dob, 1, 4)"),
            block_on("substr(first_name, 1, 3)", "substr(last_name, 1, 3)", "substr(dob, 6, 5)"),
            block_on("postal_code", "substr(first_name, 1, 1)"),
            block_on("postal_code", "substr(last_name, 1, 1)"),
        ],
    )


def frames(data: CityData, number: int) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """The clients and the rows, folded alike."""
    connect(data)
    with connection.cursor() as cursor:
        cursor.execute(_CLIENTS)
        clients = pandas.DataFrame(cursor.fetchall(), columns=NAMES)
    rows = pandas.DataFrame(
        (
            (
                place, fold(r["first_name"]), fold(r["last_name"]),
                None if r["dob"] in ("", "1900-01-01") else r["dob"], r["phone_number"].replace("-", "") or None,
                r["email"].lower() or None, r["postal_code"].replace(" ", "").upper() or None,
                fold(r["street"]) or None,
            )
            for place, r in enumerate(data.rows(number))
        ),
        columns=NAMES,
    )  # fmt: skip
    rows["unique_id"] = rows["unique_id"].astype(str)
    return clients, rows


def main(clients: int, number: int) -> None:
    """Train, then predict with the clock running."""
    data = CityData(clients)
    api = DuckDBAPI(duckdb.connect())
    tables = zip(frames(data, number), ("a_clients", "b_rows"), strict=True)
    linker = Linker(
        [api.register(table, dataset_display_name=name) for table, name in tables], settings(), log_level=40
    )
    training = linker.training
    training.estimate_probability_two_random_records_match([block_on("first_name", "last_name", "dob")], recall=0.6)
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    training.estimate_parameters_using_expectation_maximisation(block_on("dob", "first_name"))
    training.estimate_parameters_using_expectation_maximisation(block_on("first_name", "last_name"))
    started = perf_counter()
    pairs = linker.inference.predict(threshold_match_weight=-20).as_pandas_dataframe()
    seconds = perf_counter() - started
    best = pairs.sort_values("match_weight").groupby("unique_id_r").tail(1)
    meant = [key.replace("-", "") for key, _ in data.meant(number)]
    named = zip(best.unique_id_l, best.unique_id_r, strict=True)
    right = sum(meant[int(row)] == client.replace("-", "") for client, row in named)
    print(json.dumps({"seconds": seconds, "pairs": len(pairs), "best is right": right / sum(map(bool, meant))}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
