"""Deliveries from carts: stored by the door, understood afterwards."""
