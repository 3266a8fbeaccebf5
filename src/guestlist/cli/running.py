"""Commands that run until they are stopped: demo, serve, web, worker."""

from __future__ import annotations

from typing import Annotated

import typer

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 = all of this machine's.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 = a free one.")]


def demo(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run everything with a sandbox cart and a sandbox site, send some orders, and print where to look."""
    from guestlist.sandbox.demo import run_demo

    run_demo(host, port)


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run everything: web and worker, with the embedded PostgreSQL unless DATABASE_URL is set."""
    from guestlist.engine.supervisor import serve

    serve(host, port)


def web(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run the web role alone: webhooks, pages and the API. For several hosts; needs DATABASE_URL then."""
    from guestlist.engine.web import run_web

    run_web(host, port)


def worker() -> None:
    """Run the worker role alone: interprets deliveries and works off the sites. Any number may run."""
    from guestlist.engine.boot import boot

    boot()
    from guestlist.engine.worker import run_worker

    run_worker()
