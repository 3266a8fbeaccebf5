from django.db import migrations, models

ROLES = [("viewer", "Viewer"), ("operator", "Operator"), ("owner", "Owner")]


class Migration(migrations.Migration):
    """Tokens were the API's own; they keep their rows."""

    dependencies = [
        ("accounts", "0003_shared_cache"),
        ("api", "0002_apitoken_role"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE api_apitoken RENAME TO accounts_apitoken",
                    "ALTER TABLE accounts_apitoken RENAME TO api_apitoken",
                ),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="ApiToken",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("name", models.CharField(max_length=80, unique=True)),
                        ("role", models.CharField(choices=ROLES, default="operator", max_length=12)),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("last_used_at", models.DateTimeField(null=True)),
                    ],
                ),
            ],
        ),
    ]
