"""What the carts delivered."""
