"""What each site really holds against what it should hold: read, compared, said in words, and mended on request.

`run.reconcile` does it all; `read` pages through the site, `compare` finds differences, `mend` hands them to the lane.
"""
