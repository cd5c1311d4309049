"""Pure: Profile -> Findings, each with its evidence and its remedy."""
