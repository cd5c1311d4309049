"""The check `gradients`: what reaches the layers, what leaves them, and how they began."""
