"""The check `numbers`: NaN and infinity, and where they come from first."""
