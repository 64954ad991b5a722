"""Who asks, and what they asked."""
