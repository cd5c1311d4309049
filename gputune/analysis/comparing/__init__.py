"""Reports side by side: which figures, how sure their difference is, what else differs."""
