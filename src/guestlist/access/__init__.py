"""Who should have what at each site, what each site confirmed, and the lanes that make the two agree."""
