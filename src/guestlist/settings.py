"""Django settings, all from the environment (see docs/reference/settings.md)."""

from __future__ import annotations

import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict

# `engine.boot` sets DATABASE_URL before Django is set up; without one, only code that needs no database works.
DATABASE_URL = os.environ.get("DATABASE_URL", "")


def _database(url: str) -> dict[str, Any]:
    """Django's form of a connection string, with a pool so that waiting lanes hold no connection."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "guestlist"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        # A server that was restarted leaves dead connections behind: each is tried when it is taken from the pool.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**parts, "pool": {"min_size": 1, "max_size": 24, "timeout": 10, "max_idle": 60}},
    }


DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DEBUG = False
# Signs nothing that outlives a process yet; `engine.boot` replaces it with a key derived from GUESTLIST_SECRET_KEY.
SECRET_KEY = os.environ.get("GUESTLIST_DJANGO_KEY", "") or os.urandom(32).hex()
PUBLIC_URL = os.environ.get("GUESTLIST_PUBLIC_URL", "")
# The door and the pages answer on whatever name the proxy in front uses; nothing is built from the Host header.
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "ninja",
    "procrastinate.contrib.django",
    "guestlist.connections",
    "guestlist.orders",
    "guestlist.access",
    "guestlist.fulfilment",
    "guestlist.inbox",
    "guestlist.engine",
    "guestlist.api",
    "guestlist.dashboard",
]
MIDDLEWARE = [
    "guestlist.dashboard.security.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "guestlist.dashboard.outage.DatabaseAway",
]
ROOT_URLCONF = "guestlist.dashboard.urls"
APPEND_SLASH = False
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
LOGGING_CONFIG = None
