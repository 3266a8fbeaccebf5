"""`python -m guestlist` is the `guestlist` command."""

from guestlist.cli.main import main

if __name__ == "__main__":
    main()
