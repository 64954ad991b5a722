"""Backups: the logical dump that moves between databases, and copies of SQLite's files."""
