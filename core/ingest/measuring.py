"""The weights of linking are measured anew by the worker, once a file has made the agency grow by a tenth: seconds that
no file waits for. Where no worker runs, the next file that needs them measures first, and decides the same.
"""

from typing import Final

from django.db import transaction
from procrastinate.contrib.django import app

from core.linking import model

QUEUE: Final = "files"  # as core.ingest.jobs: the worker does one thing at a time


def ask() -> None:
    """Within the caller's transaction: have the weights measured after it where the clients have outgrown them."""
    if model.is_outgrown():
        measure.defer()


@app.task(queue=QUEUE)
def measure() -> None:
    """The job. What was measured meanwhile is not measured once more."""
    with transaction.atomic():
        model.current()
