"""Sending e-mail to staff."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

log = structlog.get_logger(__name__)

_sender = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")


def is_set_up() -> bool:
    """There is a mail server, and an address to which links can lead.

    Without a public address links would have to be built from what a request says of itself, and whoever asks for
    somebody else's reset mail could have it lead to a host of theirs.
    """
    return bool(settings.EMAIL_URL and settings.PUBLIC_URL)


def send_later(message: EmailMessage) -> Future[None]:
    """Send without anybody waiting for it: how long it takes tells nobody whether an address has an account."""
    return _sender.submit(_send, message)


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except OSError as error:  # SMTP's errors are among them
        log.warning("mail_failed", subject=message.subject, reason=str(error))
