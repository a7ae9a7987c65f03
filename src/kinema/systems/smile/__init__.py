"""Generates several smiles from one neutral face and a label (Every Smile is Unique, Wang et al., CVPR 2018)."""
