"""Customers, orders and each order's facts, in whatever order they arrived."""
