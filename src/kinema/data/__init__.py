"""Raw clips to training pairs: find, decode once, draw, vary. Import the module that defines what you need."""
