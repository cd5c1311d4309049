"""How a configuration is measured: in a process of its own, or in one that stays."""
