"""The page of `visage sort --page`: a server for this machine alone, and what it serves."""
