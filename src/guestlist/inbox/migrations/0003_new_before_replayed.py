"""New deliveries are interpreted before replayed ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of waiting deliveries has them in the order in which they are taken."""

    dependencies = [("inbox", "0002_body_storage")]
    operations = [
        migrations.RemoveIndex(model_name="delivery", name="delivery_waiting"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("shard"),
                models.OrderBy(models.F("interpreted_at"), nulls_first=True),
                models.F("id"),
                condition=models.Q(("state", "waiting")),
                name="delivery_waiting",
            ),
        ),
    ]
