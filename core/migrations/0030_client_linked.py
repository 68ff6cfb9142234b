"""Reports resolve links for every client at once: the few that are linked, without the table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0021_linking_touch")]

    operations = [
        migrations.AddIndex(
            model_name="client",
            index=models.Index(
                condition=models.Q(("linked_to__isnull", False)),
                fields=["client_id"],
                include=("linked_to",),
                name="client_link_pairs",
            ),
        ),
    ]
