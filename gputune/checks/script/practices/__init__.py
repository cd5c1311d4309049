"""The check `practices`: what is worth having, said once, as advice and never as an error."""
