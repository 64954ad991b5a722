"""The shell, without SSH where that can be."""
