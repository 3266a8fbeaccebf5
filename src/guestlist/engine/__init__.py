"""Embedded PostgreSQL, the task queue, and the supervisor behind `serve`."""
