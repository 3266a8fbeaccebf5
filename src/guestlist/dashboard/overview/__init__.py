"""How everything stands."""
