"""Live figures, as whoever follows their topic sees them."""
