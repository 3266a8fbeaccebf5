"""Orders: found, listed, and each with its story."""
