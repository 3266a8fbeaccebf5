"""Says whether the migrations bring about the models as they are. Needs no database."""

from __future__ import annotations

import os
import sys

import django
from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState


def main() -> int:
    """Print every change that no migration makes."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "guestlist.settings"
    django.setup()
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    changes = detector.changes(graph=loader.graph)
    for app, migrations in sorted(changes.items()):
        for operation in (operation for migration in migrations for operation in migration.operations):
            print(f"{app}: no migration for: {operation.describe()}", file=sys.stderr)
    if changes:
        print("Write it with `.venv/bin/python -m django makemigrations`.", file=sys.stderr)
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main())
