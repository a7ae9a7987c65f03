"""Which part of a picture a network sees, pictures to float frames and back, laying a result over the picture."""
