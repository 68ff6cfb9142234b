"""Staff, their roles: who logs in and as what."""

from functools import cached_property

import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from core.models.base import AuditedModel, TimestampedModel, uuid_key
from core.models.triggers import Call, Touch, audited


class Role(AuditedModel):
    """One of the six roles; the rows are made by a migration."""

    role_id = uuid_key()
    name = models.CharField(max_length=60, unique=True)

    class Meta(AuditedModel.Meta):
        db_table = "roles"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class StaffManager(BaseUserManager):
    """Finds accounts by e-mail, ignoring case."""

    def get_by_natural_key(self, username: str) -> "Staff":
        return self.of_email(username).get()

    def of_email(self, email: str) -> models.QuerySet["Staff"]:
        """The account of an address, or none. In small letters, as the database keeps them unique: iexact compares in
        capitals, in which two addresses may be the same (ı and i).
        """
        return self.alias(small=Lower("email")).filter(small=Lower(models.Value(email.strip())))


class Staff(AbstractBaseUser, PermissionsMixin, TimestampedModel):
    """A staff member: also the login account. Closed (`active` off), never deleted.

    guardian reads groups, hence PermissionsMixin; there is no superuser, Administrator is a role.
    """

    staff_id = uuid_key()
    first_name = models.CharField(max_length=150)
    last_name = models.CharField(max_length=150)
    email = models.EmailField("e-mail", max_length=254)
    active = models.BooleanField(default=True, db_default=True, help_text="Off: can no longer log in. Nothing is lost.")
    password = models.CharField(max_length=128, default="!", db_default="!", editable=False)
    credentials_changed_at = models.DateTimeField(
        "password last changed", null=True, editable=False, help_text="Kept by the database; the password is in no log."
    )
    is_superuser = models.BooleanField(default=False, db_default=False, editable=False)
    roles = models.ManyToManyField(Role, through="StaffRole", related_name="staff")

    objects = StaffManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["first_name", "last_name"]

    class Meta(TimestampedModel.Meta):
        db_table = "staff"
        verbose_name = "staff member"
        verbose_name_plural = "staff"
        ordering = ["last_name", "first_name"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="staff_email_unique",
                violation_error_message="A staff member with this e-mail exists already.",
            ),
            models.CheckConstraint(
                condition=models.Q(is_superuser=False),
                name="staff_no_superuser",
                violation_error_message="There are no superusers: give the role Administrator.",
            ),
        ]
        triggers = [
            *audited(hidden=("password", "last_login", "is_superuser")),
            Call("ccd_password_changed", name="password_changed", when=pgtrigger.Before, operation=pgtrigger.Update),
            Touch(),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    def get_full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """First name."""
        return self.first_name

    @property
    def is_active(self) -> bool:
        """What Django calls active."""
        return self.active

    @property
    def is_staff(self) -> bool:
        """May enter the admin: active and in at least one role."""
        return self.active and bool(self.role_names)

    @cached_property
    def role_names(self) -> frozenset[str]:
        """Names of the roles held; read once per instance, so once per request."""
        return frozenset(self.roles.values_list("name", flat=True))


class StaffRole(AuditedModel):
    """One role of one staff member."""

    pk = models.CompositePrimaryKey("staff_id", "role_id")
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="staff_roles")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="staff_roles")

    class Meta(AuditedModel.Meta):
        db_table = "staff_roles"
        verbose_name = "role of a staff member"
        triggers = audited(key="staff_id")

    def __str__(self) -> str:
        return f"{self.staff}: {self.role}"
