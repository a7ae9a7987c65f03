"""Tasks that move the head of a photo: by sliders, and by a camera as it comes."""
