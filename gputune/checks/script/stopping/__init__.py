"""The check `stopping`: advice for long trainings."""
