"""What lies between gputune's process and the user's: the session folder.

Standard library only, since both sides import it.
"""
