"""`python -m pnsync`: the same as the console script."""

from pnsync.cli.main import main

if __name__ == "__main__":
    main()
