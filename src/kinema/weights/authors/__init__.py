"""One importer a paper: the authors' checkpoints become model folders."""
