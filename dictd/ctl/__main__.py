"""``python -m dictd.ctl``."""

from dictd.ctl import main

if __name__ == "__main__":
    main(prog_name="dictctl")
