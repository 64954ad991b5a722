"""Tests of dictd."""
