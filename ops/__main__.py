"""`python -m ops` is the `pillio` command, for a checkout that is not installed."""

from ops.cli import main

if __name__ == "__main__":
    main()
