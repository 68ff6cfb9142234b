"""A held or rejected row may have come back corrected in another file."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0074_held_files_are_decided_in_the_log"),
    ]

    operations = [
        migrations.AddField(
            model_name="importrow",
            name="settled_in",
            field=models.ForeignKey(
                db_column="settled_in",
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.importbatch",
            ),
        ),
        migrations.AlterField(
            model_name="importrow",
            name="settled_as",
            field=models.CharField(
                choices=[
                    ("same", "Same person"),
                    ("new", "New person"),
                    ("fixed", "Corrected"),
                    ("retried", "Tried again"),
                    ("aside", "Set aside"),
                    ("fed_back", "Came back corrected in another file"),
                ],
                max_length=10,
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                condition=models.Q(("settled_in__isnull", False)), fields=["settled_in"], name="row_settled_in"
            ),
        ),
    ]
