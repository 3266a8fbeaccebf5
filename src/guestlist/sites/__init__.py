"""Membership sites. One folder per platform; adding one edits nothing else."""
