"""Fills the names that members are searched by."""

from django.db import migrations

AT_ONCE = 1000


def fill(apps, _schema_editor):
    Member = apps.get_model("access", "Member")
    last = 0
    while members := list(Member.objects.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        last = members[-1].pk
        for member in members:
            member.name_key = f"{member.first_name} {member.last_name}".strip().lower()
            member.surname_key = member.last_name.lower()
        Member.objects.bulk_update(members, ["name_key", "surname_key"])


class Migration(migrations.Migration):
    # In batches, each stored by itself.
    atomic = False

    dependencies = [("access", "0006_member_search")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
