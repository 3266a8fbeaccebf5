"""The web application behind the door: Django's ASGI handler. Django is set up by `engine.boot` beforehand."""

from __future__ import annotations

from django.core.asgi import get_asgi_application

application = get_asgi_application()
