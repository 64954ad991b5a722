"""Tests of what the benchmarks count and tell; nothing here measures time."""
