"""How well each source's daily files go in."""

from collections import Counter
from collections.abc import Iterator

from core.choices import OUTCOMES
from core.models import ImportBatch, Staff
from reporting.forms import PeriodForm
from reporting.reading import local_days, scoped
from reporting.report import Params, Report, Row, percent


class ImportQuality(Report):
    """A row per source."""

    slug = "import_quality"
    title = "Import Quality"
    description = "Files and rows per source in a period, and what became of them."
    icon = "upload_file"
    permission = "core.view_importbatch"
    form = PeriodForm
    columns = ("source", "files", "refused_files", "rows", *OUTCOMES, "percent_held_or_rejected", "last_file")

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """Files by the local day they were begun; rows of applied ones."""
        found = scoped(actor, ImportBatch).filter(created_at__range=local_days(params["date_from"], params["date_to"]))
        sums: dict[str, Counter] = {}
        last: dict[str, object] = {}
        for source, status, summary, began in found.order_by("created_at").values_list(
            "source_system", "status", "summary", "created_at__date"
        ):
            numbers = sums.setdefault(source, Counter())
            numbers[status] += 1
            if status == ImportBatch.Status.APPLIED:
                last[source] = began
                numbers.update({name: (summary or {}).get(name) or 0 for name in ("rows", *OUTCOMES)})
        for source, numbers in sorted(sums.items()):
            bad = percent(numbers["held"] + numbers["rejected"], numbers["rows"])
            counts = [numbers[name] for name in ("applied", "refused", "rows", *OUTCOMES)]
            yield source, *counts, bad, last.get(source)

    def rule(self, params: Params) -> list[str]:
        """What is counted."""
        return [
            f"Files whose reading began from {params['date_from']} through {params['date_to']}, local days. Rows and "
            "outcomes are of the files that were applied; a refused file changed nothing.",
            "Held rows wait for a person, rejected ones hold wrong data; both can be corrected and fed back in.",
        ]
