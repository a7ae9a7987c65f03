"""One training loop for all systems: phases, checkpoints, exact resume, run folder."""
