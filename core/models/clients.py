"""Clients, the identifiers by which sources know them, and grants of one client to one staff member."""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Coalesce
from guardian.models import UserObjectPermissionBase

from core.models.base import AuditedModel, Folded, TimestampedModel, days_readable, uuid_key
from core.models.triggers import BOTH_ROWS, NEW_ROWS, Call, Referred, Touch, audited


class CurrentDate(models.Func):
    """SQL's current_date, which is the local date: connections run in TIME_ZONE."""

    template = "CURRENT_DATE"
    output_field = models.DateField()


def _generated(expression: models.Expression) -> models.GeneratedField:
    return models.GeneratedField(expression=expression, output_field=models.TextField(), db_persist=True)


# Fields that a person may have entered: a file that disagrees does not overwrite them (edited_fields).
REMEMBERED_FIELDS = (
    "first_name",
    "last_name",
    "preferred_name",
    "alias",
    "dob",
    "gender",
    "sexual_orientation",
    "languages_spoken",
    "race",
    "immigration_status",
    "phone_number",
    "email",
    "address",
)


class ClientQuerySet(models.QuerySet):
    """Ways to look for clients."""

    def canonical(self) -> "ClientQuerySet":
        """Without those that were linked to another client: one row per person."""
        return self.filter(linked_to__isnull=True)

    def of_person(self, client_id: object) -> "ClientQuerySet":
        """Every record of the person of this one: the record that is shown, and those linked to it."""
        shown = self.model._base_manager.filter(pk=client_id).values(shown=Coalesce("linked_to", "client_id"))
        return self.filter(models.Q(pk__in=shown) | models.Q(linked_to__in=shown))


class Client(TimestampedModel):
    """The one canonical person. A missing value is NULL; values outside the vocabulary are kept as they came."""

    client_id = uuid_key()
    first_name = models.CharField(max_length=150, blank=True, default="", db_default="")
    last_name = models.CharField(max_length=150, blank=True, default="", db_default="")
    preferred_name = models.CharField(max_length=150, null=True, blank=True)
    alias = models.CharField(max_length=150, null=True, blank=True)
    dob = models.DateField("date of birth", null=True, blank=True)
    gender = models.CharField(max_length=100, null=True, blank=True)
    sexual_orientation = models.CharField(max_length=100, null=True, blank=True)
    languages_spoken = ArrayField(models.CharField(max_length=100), null=True, blank=True)
    race = models.CharField(max_length=100, null=True, blank=True)
    immigration_status = models.CharField(max_length=100, null=True, blank=True)
    image = models.CharField(max_length=500, null=True, blank=True, help_text="Path or address of a picture.")
    phone_number = models.CharField(max_length=60, null=True, blank=True)
    email = models.CharField("e-mail", max_length=254, null=True, blank=True)
    address = models.JSONField(null=True, blank=True)
    uid_external = models.CharField(
        "first identifier",
        max_length=100,
        null=True,
        blank=True,
        unique=True,
        help_text="The first identifier by which a source knew this client.",
        error_messages={"unique": "Another client has this identifier."},
    )
    linked_to = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="linked_clients",
        db_column="linked_to",
        db_index=False,  # client_linked: few have a value
    )
    closed_on = models.DateField(null=True, blank=True, help_text="The record is closed: nothing more is expected.")
    edited_fields = ArrayField(
        models.CharField(max_length=60),
        default=list,
        db_default=models.Value([], ArrayField(models.TextField())),
        editable=False,
    )

    first_folded = _generated(Folded("first_name"))
    last_folded = _generated(Folded("last_name"))
    search_text = _generated(
        models.Func("first_name", "last_name", "preferred_name", "alias", "uid_external", function="ccd_search_text")
    )
    phone_digits = _generated(models.Func("phone_number", function="ccd_digits"))
    postal_key = _generated(models.Func("address", function="ccd_postal_key"))

    objects = ClientQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        db_table = "clients"
        ordering = ["last_name", "first_name", "client_id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(first_name__regex=r"^\s*$") | ~models.Q(last_name__regex=r"^\s*$"),
                name="client_has_a_name",
                violation_error_message="A client needs a first or a last name.",
            ),
            models.CheckConstraint(
                condition=models.Q(dob__lte=CurrentDate()) & models.Q(dob__gte="1850-01-01"),
                name="client_dob_possible",
                violation_error_message="The date of birth cannot be in the future, nor before 1850.",
            ),
            days_readable("client_day_readable", "closed_on"),
            models.CheckConstraint(
                condition=~models.Q(uid_external__regex=r"^\s*$"),
                name="client_uid_not_blank",
                violation_error_message="An identifier cannot be blank.",
            ),
            models.CheckConstraint(
                condition=~models.Q(linked_to=models.F("client_id")),
                name="client_not_linked_to_itself",
            ),
        ]
        indexes = [
            models.Index(fields=["last_folded", "first_folded", "dob"], name="client_name_dob"),
            models.Index(fields=["dob"], name="client_dob"),
            models.Index(fields=["last_name", "first_name", "client_id"], name="client_list_order"),
            models.Index(
                fields=["linked_to", "client_id"], condition=models.Q(linked_to__isnull=False), name="client_linked"
            ),
            models.Index(fields=["client_id"], condition=models.Q(linked_to__isnull=True), name="client_canonical"),
            models.Index(
                fields=["client_id"],
                include=["linked_to"],
                condition=models.Q(linked_to__isnull=False),
                name="client_link_pairs",
            ),
            GinIndex(OpClass(models.F("search_text"), name="gin_trgm_ops"), name="client_search"),
            GinIndex(OpClass(models.F("phone_digits"), name="gin_trgm_ops"), name="client_phone_search"),
        ]
        triggers = [
            *audited(hidden=("edited_fields",), by_file=True),
            Call(
                "ccd_keep_pointer",
                name="one_pointer",
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Q(new__linked_to__isnull=False),
            ),
            Touch(remembered=REMEMBERED_FIELDS),
            Referred("client_id", "import_rows", "client_id", name="of_import_rows", operation=pgtrigger.Delete),
            Call("ccd_keep_keys", name="match_keys", when=pgtrigger.After, operation=pgtrigger.Delete),
            Call(
                "ccd_keep_changed_keys",
                name="changed_match_keys",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                level=pgtrigger.Statement,
                referencing=BOTH_ROWS,
            ),
            Call(
                "ccd_keep_new_keys",
                name="new_match_keys",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=NEW_ROWS,
            ),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """First and last name; a person may have only one of them."""
        return f"{self.first_name} {self.last_name}".strip()


class ClientIdentifier(AuditedModel):
    """(source system, uid) by which a source knows a client; many per client."""

    identifier_id = uuid_key()
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="identifiers")
    source_system = models.CharField("source", max_length=40)
    uid_external = models.CharField("identifier", max_length=100)

    class Meta(AuditedModel.Meta):
        db_table = "client_identifiers"
        verbose_name = "identifier"
        ordering = ["source_system", "uid_external"]
        constraints = [
            models.UniqueConstraint(
                fields=["source_system", "uid_external"],
                name="identifier_unique_in_source",
                violation_error_message="This source uses the identifier for a client already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source_system} {self.uid_external}"


class ClientAssignment(UserObjectPermissionBase):
    """A grant of one client to one staff member by name, beside the programs they work in (guardian, direct key)."""

    assignment_id = uuid_key()
    content_object = models.ForeignKey(
        Client, on_delete=models.CASCADE, related_name="assignments", db_column="client_id"
    )
    end_date = models.DateField(null=True, blank=True, help_text="The last day of access.")
    reason = models.CharField(max_length=500, null=True, blank=True)

    class Meta(UserObjectPermissionBase.Meta):
        db_table = "client_assignments"
        triggers = audited()

    def __str__(self) -> str:
        return f"{self.user} may see {self.content_object}"
