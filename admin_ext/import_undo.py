"""The page on which a daily file is taken back."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from core.errors import CCDError
from core.ingest import undo as undoing
from core.models import ImportBatch, Staff


class UndoForm(forms.Form):
    """Why the file is taken back."""

    reason = forms.CharField(
        label="Why is it taken back?",
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="It stands in the audit log, beside everything that is put back.",
        error_messages={"required": "Say why the file is taken back."},
    )


def page(batch: ImportBatch, *, actor: Staff) -> dict[str, Any]:
    """What the page shows."""
    plan = undoing.plan(batch, actor=actor)
    return {
        "batch": batch,
        "plan": plan,
        "clients_shown": [obstacle.client_id for obstacle in plan.obstacles if obstacle.client_id],
        "removes": undoing.in_words(plan.removes),
        "restores": undoing.in_words(plan.restores),
    }


def undo(request: HttpRequest, batch: ImportBatch, form: UndoForm) -> bool:
    """Take it back. False where it was refused: the page then shows what stands in the way now."""
    try:
        done = undoing.undo(batch, actor=request.user, reason=form.cleaned_data["reason"])
    except CCDError as error:
        if undoing.plan(batch, actor=request.user).is_free:
            form.add_error(None, str(error))
        return False
    gone = ", ".join(
        [*undoing.in_words(done.removes), *(f"{told} as before" for told in undoing.in_words(done.restores))]
    )
    messages.success(request, f"{batch.file_name} was taken back: {gone or 'it had changed nothing'}.")
    return True
