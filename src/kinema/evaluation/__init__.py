"""One protocol a file or folder: what is measured, on what, beside which baselines."""
