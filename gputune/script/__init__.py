"""What a script of the user's calls itself: light enough for its own process."""
