"""Motion-supervised Co-Part Segmentation (Siarohin et al., ICPR 2020): a still moves part by part."""
