"""Targets for a fuzzer that follows coverage (atheris); ``make fuzz`` runs them.

They stand among the tests because they judge by the tests' own references and
write the tests' own miniature dictionaries; nothing here is installed.
"""
