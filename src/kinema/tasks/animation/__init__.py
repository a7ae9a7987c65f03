"""What animating needs beside its request: what drives, motion templates, a background that stays."""
