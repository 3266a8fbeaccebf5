"""Writes the migrations that the models need; with `--check`, says whether any is missing. Needs no database."""

from __future__ import annotations

import os
import sys

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command


def main() -> int:
    """Write or check."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "guestlist.settings"
    # With a real one, Django would first ask the database which migrations it has, and wait for it in vain.
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}
    django.setup()
    ours = [app.label for app in apps.get_app_configs() if app.name.startswith("guestlist.")]
    check = sys.argv[1:] == ["--check"]
    try:
        call_command("makemigrations", *ours, check_changes=check, dry_run=check)
    except SystemExit:
        print("Run `make migrations` and commit the result.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
