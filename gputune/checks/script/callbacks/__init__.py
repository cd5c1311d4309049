"""The check `callbacks`: what the script's callbacks do in the course of a short training."""
