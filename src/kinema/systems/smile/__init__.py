"""Every Smile is Unique (Wang et al., CVPR 2018): one neutral face and a label, several smiles."""
