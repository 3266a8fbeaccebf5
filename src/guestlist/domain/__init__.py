"""Facts, order history, rules and the plan: pure Python that imports nothing outward."""
