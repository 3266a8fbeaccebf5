"""Grants know their site; what was asked of a site is found newest first."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
UPDATE access_grant SET site_id = access_member.site_id FROM access_member WHERE access_member.id = access_grant.member_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0007_fill_member_names"),
        ("connections", "0004_rotation_checks_and_pausing"),
    ]

    operations = [
        migrations.AddField(
            model_name="grant",
            name="site",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="connections.site",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        # What is checked at the end of a transaction, now: else the table cannot be altered.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="grant",
            name="site",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="connections.site",
            ),
        ),
        migrations.RemoveIndex(model_name="grant", name="grant_by_level"),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                condition=models.Q(("live", True)),
                fields=["site", "level", "until_on", "member"],
                name="grant_by_level",
            ),
        ),
        migrations.AddIndex(
            model_name="siterequest",
            index=models.Index(fields=["site", "-id"], name="request_by_site"),
        ),
        migrations.AlterField(
            model_name="siterequest",
            name="site",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="requests",
                to="connections.site",
            ),
        ),
    ]
