"""The truth: SQL behind adbapi."""
