"""Files that somebody has, turned into entries."""
