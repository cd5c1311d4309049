"""The check `order`: whether the training data are shuffled."""
