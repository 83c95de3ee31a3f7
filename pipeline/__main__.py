"""`hotline` as it is started: the language is settled before the commands, whose help is in it, are made."""

import sys


def main() -> None:
    from pipeline import i18n, settings

    i18n.use(settings.language_of(sys.argv[1:]))
    from pipeline.cli import main as command

    command(prog_name="hotline")


if __name__ == "__main__":
    main()
