"""How good is it: metrics, verification, LFW, people, cleaning and geometry."""
