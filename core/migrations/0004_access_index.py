"""Who looked at this client, and what did this person look at: an index for each question."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_row_security")]

    operations = [
        migrations.AddIndex(
            model_name="accessentry",
            index=django.contrib.postgres.indexes.GinIndex(fields=["client_ids"], name="access_of_client"),
        ),
        migrations.AddIndex(
            model_name="accessentry",
            index=models.Index(fields=["staff", "accessed_at"], name="access_by_staff"),
        ),
    ]
