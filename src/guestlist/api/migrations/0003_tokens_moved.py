from django.db import migrations


class Migration(migrations.Migration):
    """Tokens belong to the accounts now, with their rows."""

    dependencies = [
        ("api", "0002_apitoken_role"),
        ("accounts", "0004_apitoken"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="ApiToken")]),
    ]
