"""Bits are measured of one's own clients by now: 8 of them link, and as likely as not is asked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0056_once_per_statement"),
    ]

    operations = [
        migrations.AlterField(
            model_name="linksettings",
            name="auto_bits",
            field=models.FloatField(db_default=8.0, default=8.0, verbose_name="link from"),
        ),
        migrations.AlterField(
            model_name="linksettings",
            name="hold_bits",
            field=models.FloatField(db_default=0.0, default=0.0, verbose_name="hold from"),
        ),
    ]
