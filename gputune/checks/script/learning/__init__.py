"""The check `learning`: where the loss goes, and whether the weights move."""
