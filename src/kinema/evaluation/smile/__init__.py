"""The protocol smile: generated smiles against recorded ones."""
