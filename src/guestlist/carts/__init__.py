"""Shopping carts. One folder per cart; adding one edits nothing else."""
