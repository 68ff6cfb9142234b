"""How clients are linked: the thresholds and the switch, rehearsed on past decisions before they are saved."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from core import rules
from core.errors import CCDError, Invalid
from core.linking import parameters, rehearsal
from core.linking.weights import AT_LEAST
from core.models import Client, LinkModel, LinkSettings

_HELP = {
    "auto_bits": "Bits from which a row is linked by itself. 8 bits are odds of 250 to 1. With more than "
    f"{parameters.TELLS:,} clients a row is linked earlier, by up to {parameters.SURER:.0f} bits.",
    "hold_bits": "Bits from which a row waits for a person. Below, it is a new client. An agency of fewer than "
    f"{AT_LEAST:,} clients asks up to {parameters.EARLIER:.0f} bits earlier.",
    "margin_bits": "The next candidate must be so many bits behind for a link by itself.",
}


def _bits(name: str) -> forms.FloatField:
    label = LinkSettings._meta.get_field(name).verbose_name.capitalize()
    widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "0.5"})
    return forms.FloatField(label=label, help_text=_HELP[name], min_value=-60, max_value=60, widget=widget)


class LinkingForm(forms.Form):
    """The four parameters, and why they are changed."""

    mode = forms.ChoiceField(label="Scores may", choices=LinkSettings.Mode.choices, widget=UnfoldAdminSelectWidget)
    auto_bits = _bits("auto_bits")
    hold_bits = _bits("hold_bits")
    margin_bits = _bits("margin_bits")
    reason = forms.CharField(
        required=False,
        max_length=500,
        help_text="Kept in the audit log.",
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
    )

    def values(self) -> dict[str, Any]:
        """The parameters, without the reason."""
        return {name: self.cleaned_data[name] for name in parameters.FIELDS}


def parameters_page(admin: Any, request: HttpRequest) -> HttpResponse:
    """GET shows what holds, or what is being tried, with its rehearsal; POST sets it."""
    rules.require(request.user, "core.change_linksettings")
    now = parameters.current()
    initial = {name: getattr(now, name) for name in parameters.FIELDS}
    if request.method == "POST":
        form = LinkingForm(request.POST)
        if form.is_valid() and _saved(request, form):
            return HttpResponseRedirect(reverse("admin:core_clientlink_parameters"))
    else:
        form = LinkingForm({**initial, **request.GET.dict()} if "mode" in request.GET else None, initial=initial)
    tried = parameters.Parameters(**form.values()) if form.is_bound and form.is_valid() else now
    model = LinkModel.objects.first()
    request.current_app = admin.admin_site.name
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": "How clients are linked",
        "form": form,
        "now": now,
        "tries": tried != now,
        "rehearsal": rehearsal.rehearse(tried).sentence,
        "among": _among(tried),
        "model": model,
        "measured": f"{model.clients:,}" if model else "",
        "learnt": f"{model.trained_on:,}" if model else "",
        "back": reverse("admin:core_clientlink_changelist"),
    }
    return TemplateResponse(request, "admin/core/clientlink/parameters.html", context)


def _among(tried: parameters.Parameters) -> str:
    """What the parameters come to for the clients there are, in a sentence."""
    number = Client.objects.count()
    here = tried.among(number)
    clients = f"{number:,} client{'s' * (number != 1)}"
    return (
        f"With {clients} that is: a row is linked by itself from {here.auto_bits:.1f} bits, with the same name and "
        f"date of birth from {here.exact_bits:.1f}, and waits for a person from {here.hold_bits:.1f}."
    )


def _saved(request: HttpRequest, form: LinkingForm) -> bool:
    try:
        changed = parameters.change(form.values(), actor=request.user, reason=form.cleaned_data["reason"] or None)
    except Invalid as error:
        form.add_error(None, str(error))
        return False
    except CCDError as error:
        messages.error(request, str(error))
        return True
    messages.success(
        request, "Linking goes by the new parameters from now on." if changed else "Nothing was different."
    )
    return True
