"""What ``dictctl doctor`` looks at, a subject a file. Nothing is changed by a look."""
