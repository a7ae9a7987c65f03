"""First Order Motion Model for Image Animation (Siarohin et al., NeurIPS 2019): a still moves as a video does."""
