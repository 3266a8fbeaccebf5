"""What the door tells Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

# Labels are only what the owner made up: an unknown cart in an address is a sender's word and would grow without end.
DELIVERIES = Counter(
    "guestlist_door_deliveries",
    "Deliveries that were their cart's: stored, repeated (known already), unavailable (database away) or failed.",
    ["cart", "result"],
)
REFUSALS = Counter("guestlist_door_refusals", "Requests turned away at the door.", ["reason"])
STORE_SECONDS = Histogram(
    "guestlist_door_store_seconds",
    "From a complete delivery to its commit.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
