"""`python -m kinema` does what the command `kinema` does."""

from kinema.cli.main import main

if __name__ == "__main__":
    main()
