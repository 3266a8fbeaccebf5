"""Django settings, all from the environment (see docs/reference/settings.md)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from guestlist.accounts.mail_settings import mail_settings

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
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "ninja",
    "procrastinate.contrib.django",
    "guestlist.accounts",
    "guestlist.connections",
    "guestlist.journal",
    "guestlist.orders",
    "guestlist.access",
    "guestlist.fulfilment",
    "guestlist.inbox",
    "guestlist.people",
    "guestlist.engine",
    "guestlist.api",
    "guestlist.dashboard",
    # After the dashboard, whose templates take the place of theirs.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "auditlog",
    "crispy_forms",
    "crispy_bootstrap5",
]
MIDDLEWARE = [
    "guestlist.dashboard.security.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "guestlist.dashboard.static_files.StaticFiles",
    "guestlist.dashboard.outage.DatabaseAway",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "guestlist.accounts.actor.Acting",
    "django_htmx.middleware.HtmxMiddleware",
    "guestlist.dashboard.zones.ViewersZone",
]
ROOT_URLCONF = "guestlist.dashboard.urls"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "guestlist.dashboard.navigation.context",
            ],
            "builtins": ["django.templatetags.i18n", "guestlist.dashboard.templatetags.guestlist"],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# Memory-hard like Argon2, and it comes with Python.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview:show"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "guestlist.accounts.adapter.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
# A reset is answered alike for every address, and mail goes only to addresses that have an account.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "guestlist.accounts.two_factor.TwoFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Guestlist"
# Addresses are not verified by mail: who has a link of an owner is trusted.
MFA_ALLOW_UNVERIFIED_EMAIL = True
USERSESSIONS_TRACK_ACTIVITY = True

# In the database, which all web processes share: the sign-in throttle counts there.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

EMAIL_URL = os.environ.get("GUESTLIST_EMAIL_URL", "").strip()
globals().update(mail_settings(EMAIL_URL))
DEFAULT_FROM_EMAIL = os.environ.get("GUESTLIST_EMAIL_FROM", "").strip() or "guestlist@localhost"

AUDITLOG_LOGENTRY_MODEL = "accounts.AuditEntry"
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_CID_HEADER = None  # a header of any length would have to fit into a column
# Our entry takes the place of its model, so that its own table is not made.
MIGRATION_MODULES = {"auditlog": None}

# Cookies go over https only once the public address is one; a first start on a laptop has none.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https:")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL.rstrip("/")] if PUBLIC_URL.startswith(("https://", "http://")) else []

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_IMMUTABLE_FILE_TEST = r"/vendor/"  # their folders carry the version
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [Path(__file__).resolve().parent / "locale"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
LOGGING_CONFIG = None
