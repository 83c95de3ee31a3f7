"""`hotline` whose engine is scripted, for tests that need a process of their own: slow, so that it can be stopped."""

import os
import time

from scripted import Scripted

from pipeline import cli, watching


class Slow(Scripted):
    """Takes WINDOW_S for a window; says so in a file, for who waits for it."""

    def transcribe(self, audio, speech, progress=None, kept=None):  # type: ignore[no-untyped-def]
        def told(seconds: float) -> None:
            time.sleep(float(os.environ.get("WINDOW_S", "0")))
            if progress is not None:
                progress(seconds)

        return super().transcribe(audio, speech, told, kept)


WORDS = os.environ.get("WORDS", "我家的水管坏了，请派人来修一下。")

if __name__ == "__main__":
    watching.load_engine = cli.load_engine = lambda *_a, **_k: Slow(WORDS)
    cli.main()
