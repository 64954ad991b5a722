"""Dictionaries as they are read: immutable LMDB files, no SQL, no sockets."""
