"""The carts and sites that are connected: addresses, secrets, state."""
