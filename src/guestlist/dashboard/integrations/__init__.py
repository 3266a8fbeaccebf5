"""Carts and sites."""
