"""Daily files: the batch, its bytes while it waits for Confirm, its rows, and values a file disagrees about."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.models.base import AuditedModel, uuid_key
from core.models.clients import Client
from core.models.triggers import AuditBatch, Referred, Touch, no_truncate, refers


class ImportBatch(models.Model):
    """One file from one source and what became of it. Its one `import` entry is written when it is applied."""

    class Status(models.TextChoices):
        """Where a batch stands. 'running' without a running process is shown as interrupted."""

        PREVIEWED = "previewed", "Waiting for confirmation"
        QUEUED = "queued", "Waiting for its turn"
        RUNNING = "running", "Running"
        APPLIED = "applied", "Applied"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"
        INTERRUPTED = "interrupted", "Interrupted"
        UNDONE = "undone", "Taken back"
        HELD = "held", "Held whole"

    batch_id = uuid_key()
    source_system = models.CharField("source", max_length=40)
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    status = models.CharField(max_length=12, choices=Status, default=Status.RUNNING)
    repeated = models.BooleanField(default=False, db_default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="created_by",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    summary = models.JSONField(null=True, blank=True)
    headers = ArrayField(models.TextField(), null=True, blank=True)
    notes = ArrayField(models.TextField(), default=list, db_default=models.Value([], ArrayField(models.TextField())))
    reason = models.TextField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="undone_by",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    log_position = models.BigIntegerField(null=True, editable=False)  # of the audit log: core.ingest.remembered

    class Meta:
        db_table = "import_batches"
        verbose_name = "daily file"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["sha256", "source_system"],
                condition=Q(status="applied", repeated=False),
                name="batch_same_bytes_once",
            )
        ]
        triggers = [
            AuditBatch(),
            Touch(),
            Referred(
                "batch_id",
                "import_rows",
                "batch_id",
                name="of_import_rows",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
            no_truncate(),
        ]

    def __str__(self) -> str:
        return f"{self.source_system} {self.file_name}"


class ImportFile(models.Model):
    """The bytes of an uploaded file between preview and Confirm, and what the preview found; removed once decided."""

    batch = models.OneToOneField(ImportBatch, on_delete=models.CASCADE, primary_key=True, related_name="file")
    content = models.BinaryField()
    preview = models.JSONField(null=True)

    class Meta:
        db_table = "import_files"

    def __str__(self) -> str:
        return str(self.batch)


class ImportProgress(models.Model):
    """How far the worker is with a long file, and whether someone asked it to stop. Written outside the file's own
    transaction, so that others can read it meanwhile.
    """

    class Kind(models.TextChoices):
        """What is being done."""

        PREVIEW = "preview", "Preview"
        APPLY = "apply", "Taking in"

    batch = models.OneToOneField(ImportBatch, on_delete=models.CASCADE, primary_key=True, related_name="progress")
    kind = models.CharField(max_length=10, choices=Kind)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, db_column="actor", on_delete=models.PROTECT, null=True, related_name="+"
    )
    stage = models.CharField(max_length=20, default="", db_default="")
    number = models.IntegerField(default=0, db_default=0)
    total = models.IntegerField(default=0, db_default=0)
    is_stopping = models.BooleanField(default=False, db_default=False)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "import_progress"

    def __str__(self) -> str:
        return f"{self.stage} {self.number} of {self.total}"


class ImportRow(models.Model):
    """One line of a daily file: its cells as they came, its outcome and why. A held or rejected one is open until it is
    settled on the desk.
    """

    class Settled(models.TextChoices):
        """What a person made of a held or rejected row."""

        SAME = "same", "Same person"
        NEW = "new", "New person"
        FIXED = "fixed", "Corrected"
        RETRIED = "retried", "Tried again"
        ASIDE = "aside", "Set aside"
        FED_BACK = "fed_back", "Came back corrected in another file"

    row_id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(
        ImportBatch,
        on_delete=models.CASCADE,
        related_name="rows",
        db_index=False,  # row_once_in_batch begins with it
        db_constraint=False,  # refers(): once per statement, of which a file has one
    )
    row_number = models.IntegerField()
    outcome = models.CharField(max_length=10)
    reason_code = models.CharField(max_length=40, null=True)
    reason = models.TextField(null=True)
    note = models.TextField(null=True)
    client = models.ForeignKey(
        Client,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # row_client, of those that have one
        db_constraint=False,  # as batch
    )
    candidate_ids = ArrayField(models.UUIDField(), null=True)
    score = models.FloatField(null=True)  # bits
    evidence = models.JSONField(null=True)  # bit by bit, per candidate: core.linking.evidence
    cells = ArrayField(models.TextField())
    answer_key = models.CharField(max_length=32, null=True)  # by which a held row is known again: RowAnswer
    settled_as = models.CharField(max_length=10, choices=Settled, null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="settled_by",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # row_settled_by, of the few that have one
    )
    settled_at = models.DateTimeField(null=True)
    settled_in = models.ForeignKey(  # the file in which it came back corrected
        ImportBatch,
        db_column="settled_in",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # row_settled_in, of the few that have one
    )
    cells_before = ArrayField(models.TextField(), null=True)  # as they came, where a person corrected them

    class Meta:
        db_table = "import_rows"
        ordering = ["row_number"]
        constraints = [models.UniqueConstraint(fields=["batch", "row_number"], name="row_once_in_batch")]
        indexes = [
            models.Index(fields=["batch", "outcome", "row_number"], name="row_outcome"),
            models.Index(fields=["client"], name="row_client", condition=Q(client__isnull=False)),
            models.Index(
                fields=["batch", "reason_code", "row_number"],
                name="row_open",
                condition=Q(outcome__in=["held", "rejected"], settled_at__isnull=True),
            ),
            models.Index(fields=["answer_key"], name="row_known_again", condition=Q(answer_key__isnull=False)),
            models.Index(fields=["settled_by"], name="row_settled_by", condition=Q(settled_by__isnull=False)),
            models.Index(fields=["settled_in"], name="row_settled_in", condition=Q(settled_in__isnull=False)),
        ]
        triggers = [
            *refers("batch_id", "import_batches", "batch_id"),
            *refers("client_id", "clients", "client_id"),
        ]

    def __str__(self) -> str:
        return f"row {self.row_number} of {self.batch}"


class RememberedRow(models.Model):
    """A row that changed nothing when it last came, by a hash of all it says: core.ingest.remembered. Of `client` the
    audit log said nothing new up to `position`.
    """

    pk = models.CompositePrimaryKey("source_system", "digest")
    source_system = models.CharField("source", max_length=40)
    digest = models.BinaryField(max_length=16)
    uid_external = models.CharField(max_length=100)
    client_id = models.UUIDField()
    position = models.BigIntegerField()

    class Meta:
        db_table = "remembered_rows"
        indexes = [models.Index(fields=["source_system", "uid_external"], name="remembered_of_uid")]

    def __str__(self) -> str:
        return f"{self.source_system} {self.uid_external}"


class RowAnswer(AuditedModel):
    """What a person said of a held row: who it is about or whom it is not about, so that the row does not come back; or
    that it was set aside, which is kept for the record, since the next file may bring it again. `answer_key`
    (core.linking.answers) is the source's identifier with name and date of birth, else everything the row says of the
    person.
    """

    class Verdict(models.TextChoices):
        """Same person, not this one, set aside."""

        SAME = "same", "Same person"
        NOT_SAME = "not_same", "Not this one"
        ASIDE = "aside", "Set aside"

    answer_id = uuid_key()
    source_system = models.CharField("source", max_length=40)
    answer_key = models.CharField(max_length=32, null=True, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, blank=True, related_name="row_answers")
    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, related_name="answers")
    row_number = models.IntegerField()
    reason = models.TextField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="decided_by",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(AuditedModel.Meta):
        db_table = "row_answers"
        verbose_name = "answer about a row"
        verbose_name_plural = "answers about rows"
        ordering = ["-decided_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="aside", client__isnull=True) | Q(~Q(verdict="aside"), client__isnull=False),
                name="answer_names_a_client",
            ),
            models.UniqueConstraint(
                fields=["source_system", "answer_key"], condition=Q(verdict="same"), name="answer_same_once"
            ),
            models.UniqueConstraint(
                fields=["source_system", "answer_key", "client"],
                condition=Q(verdict="not_same"),
                name="answer_not_same_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_system} row {self.row_number}: {self.get_verdict_display().lower()}"


class SourceDisagreement(AuditedModel):
    """A file says other than what a person entered; ours is kept until a coordinator decides."""

    class Status(models.TextChoices):
        """What became of it."""

        OPEN = "open", "Open"
        KEPT = "kept", "Ours kept"
        TAKEN = "taken", "Theirs taken"

    disagreement_id = uuid_key()
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="disagreements")
    entity = models.CharField(max_length=63)
    entity_id = models.UUIDField()
    field = models.CharField(max_length=63)
    source_system = models.CharField("source", max_length=40)
    ours = models.JSONField(null=True)
    theirs = models.JSONField()
    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, related_name="disagreements")
    row_number = models.IntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN, db_default="open")
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="decided_by",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta(AuditedModel.Meta):
        db_table = "source_disagreements"
        verbose_name = "source disagreement"
        ordering = ["opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "entity_id", "field", "source_system", "theirs"],
                name="disagreement_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source_system} disagrees about {self.field}"
