"""Departments."""

from django.contrib import admin
from django.db import models
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from admin_ext.base import CCDModelAdmin
from admin_ext.inlines import ReadOnlyInline
from admin_ext.restoring import Restoring
from core.models import Department, Program


class ProgramInline(ReadOnlyInline):
    """Programs of the department."""

    model = Program
    fields = ("name", "location", "capacity_current", "closed_on", "display_open")
    readonly_fields = fields
    related = ("department",)


@admin.register(Department)
class DepartmentAdmin(Restoring, CCDModelAdmin):
    """A part of the agency."""

    verbs = ("view", "add", "change", "propose")
    list_display = ("name", "owner", "display_programs")
    search_fields = ("name", "owner")
    search_help_text = "Department or owner"
    fields = (("name", "owner"),)
    inlines = (ProgramInline,)

    def list_queryset(self, request: HttpRequest) -> models.QuerySet:
        running = Q(programs__closed_on__isnull=True) | Q(programs__closed_on__gte=timezone.localdate())
        return self.get_queryset(request).annotate(running=Count("programs", filter=running))

    @display(description="Running programs", ordering="running")
    def display_programs(self, department: Department) -> SafeString:
        url = reverse("admin:core_program_changelist")
        return format_html('<a href="{}?department={}&state=open">{}</a>', url, department.pk, department.running)
