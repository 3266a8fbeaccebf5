"""What was given on a day is found by its moment."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("journal", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="line",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="journal_by_moment"),
        ),
    ]
