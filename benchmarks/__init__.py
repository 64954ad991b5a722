"""Side by side: dictd, C dictd and GNU dico's dicod of Debian, and a C server of system calls only.

``make bench`` runs :mod:`benchmarks.__main__`, ``make bench-compare`` :mod:`benchmarks.compare`.
"""
