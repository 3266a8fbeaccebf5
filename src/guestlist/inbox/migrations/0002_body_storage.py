"""How delivery bodies lie on disk."""

from django.db import migrations


class Migration(migrations.Migration):
    """Bodies are stored in the row and as they are.

    By default PostgreSQL compresses what is over 2 KB and moves it into a second table, which costs the door about as
    much as all the rest of the insert.
    """

    dependencies = [("inbox", "0001_initial")]
    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE inbox_delivery ALTER COLUMN body SET STORAGE EXTERNAL",
                "ALTER TABLE inbox_delivery SET (toast_tuple_target = 8160)",
            ],
            [
                "ALTER TABLE inbox_delivery RESET (toast_tuple_target)",
                "ALTER TABLE inbox_delivery ALTER COLUMN body SET STORAGE EXTENDED",
            ],
        )
    ]
