"""What each site really holds against what it should hold: read, compared, said in words, and mended on request."""
