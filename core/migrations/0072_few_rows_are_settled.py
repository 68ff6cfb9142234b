"""The index by who settled a row holds only the few rows that someone settled."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0071_rows_refer_at_once"),
    ]

    operations = [
        migrations.AlterField(
            model_name="importrow",
            name="settled_by",
            field=models.ForeignKey(
                db_column="settled_by",
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                condition=models.Q(("settled_by__isnull", False)), fields=["settled_by"], name="row_settled_by"
            ),
        ),
    ]
