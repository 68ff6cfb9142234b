"""The admin site: what all screens share."""

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth.views import PasswordChangeView
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm
from unfold.sites import UnfoldAdminSite

from admin_ext.watching import look
from core import audit
from core.models import Staff


class ScopedAutocomplete(AutocompleteJsonView):
    """Choices of a field, from what the person may see, each told apart from its namesakes."""

    def get_queryset(self) -> models.QuerySet:
        queryset, _ = self.model_admin.get_search_results(
            self.request, self.model_admin.choice_queryset(self.request), self.term
        )
        return queryset

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        shown, entity = list(context["object_list"]), self.model_admin.opts.db_table
        look(self.request, entity=entity, clients=shown, number=len(shown), detail=self.term and f"q={self.term}")
        return context

    def serialize_result(self, obj: models.Model, to_field_name: str) -> dict[str, Any]:
        return {"id": str(getattr(obj, to_field_name)), "text": self.model_admin.choice_label(obj)}


class LoginForm(AuthenticationForm):
    """Everybody logs in here, whatever their role: Django's sentence speaks of staff accounts."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "E-mail and password do not fit together, or the account is closed. Capital letters of the "
        "password count.",
    }


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """One's own new password. The database lets a person of few rights write that column of their account alone."""

    def set_password_and_save(self, user: Staff, password_field_name: str = "password1", commit: bool = True) -> Staff:
        user.set_password(self.cleaned_data[password_field_name])
        if commit:
            with audit.acting(user, channel="admin"):
                user.save(update_fields=["password"])
        return user


class CCDAdminSite(UnfoldAdminSite):
    """Unfold's site without the routes nobody needs and with scoped choices."""

    site_title = "Central Client Database"
    index_title = "Today"
    enable_nav_sidebar = True
    login_form = LoginForm

    def register(self, model_or_iterable: Any, admin_class: type | None = None, **options: Any) -> None:
        """Not the groups of django.contrib.auth: who may do what is said by roles alone. Nor the jobs of procrastinate:
        the page of a file shows its own.
        """
        foreign = ("django.contrib.auth", "procrastinate")
        if admin_class is None or not admin_class.__module__.startswith(foreign):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLPattern]:
        """Without view-on-site, which names a record's address by content type and key."""
        return [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Unfold's page; of the account only the password is written."""
        request.current_app = self.name
        return PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse(f"{self.name}:password_change_done", current_app=self.name),
            template_name=self.password_change_template or "registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Screens by name; they fill one page, and Unfold's view breaks when asked for another."""
        if request.GET.get("page", "1") != "1":
            raise Http404
        return super().search(request, extra_context)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        return ScopedAutocomplete.as_view(admin_site=self)(request)
