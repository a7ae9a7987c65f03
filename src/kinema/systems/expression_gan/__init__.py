"""Learning How to Smile (Wang et al., TMM 2020): a neutral face and a label become a video, without landmarks."""
