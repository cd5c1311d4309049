"""The search over a script's settings: what to try, when to stop, and how sure the answer is."""
