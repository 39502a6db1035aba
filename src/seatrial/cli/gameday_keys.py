"""What the crew types while a step is under way, and how it ends one at once.

On a terminal single keys are read: Esc halts, whatever else is typed is a note that Enter ends. A halt reaches the
harness as Ctrl-C does, as a signal, so that it heals in the same way and as soon; what differs is what is ended by
it: the step, or the day.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import signal
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from types import FrameType

from seatrial.cli.console import say
from seatrial.errors import SeatrialError
from seatrial.runtime.interrupts import heeded

HALT = "halt"
ESCAPE = "\x1b"
_ERASE = ("\x7f", "\b")
_CLEAR = "\x15"
_SEQUENCE_WITHIN_S = 0.05  # what an arrow key sends after its Esc follows at once


class Stop:
    """What Ctrl-C, SIGTERM and SIGHUP do in a game day, and the halt key.

    `halted`: whether the key ended the step that is under way, or the last one.
    """

    def __init__(self) -> None:
        self.halted = False
        self._lock = threading.Lock()
        self._armed = False
        self._coming = False
        self._stopping = False

    @contextlib.contextmanager
    def heeding(self) -> Iterator[None]:
        """Signals come here until the block ends."""
        former = {number: signal.signal(number, self) for number in heeded()}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """A step is under way, and may be halted."""
        self.halted, self._armed = False, True
        try:
            yield
        finally:
            self._armed = False
            with self._lock:  # a halt that is just being sent is waited for
                pass
            time.sleep(0.001)  # a signal that the key has sent arrives here, and is none any more
            self._coming = False
            if self.halted:
                self._stopping = False

    def last(self) -> None:
        """What is done from here on is not disturbed any more, as the record that is being written."""
        self._stopping = True

    def halt(self) -> None:
        """End the step under way, once; called by the thread that reads keys."""
        with self._lock:
            if not self._armed or self.halted:
                return
            self.halted = self._coming = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """KeyboardInterrupt for the first; what comes while that is heeded does not disturb it."""
        if self._coming and not self._armed:
            self._coming = False
            return
        if self._stopping:
            say("still healing and stopping; please wait")
            return
        self._stopping = True
        raise KeyboardInterrupt


class Typing:
    """The line that is being typed, key by key: `line` is what stands there, `take` gives what a key ended."""

    def __init__(self) -> None:
        self.line = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, data: bytes) -> Iterator[str]:
        """What these bytes came to: a note, or HALT. A lone Esc halts; one that begins a sequence, as an arrow key's
        does, is nothing."""
        text = self._decoder.decode(data)
        if text.startswith(ESCAPE) and len(text) > 1 and text[1] in "[O":
            return
        for character in text:
            if character == ESCAPE:
                yield HALT
            elif character in "\r\n":
                yield from self.end()
            elif character in _ERASE:
                self.line = self.line[:-1]
            elif character == _CLEAR:
                self.line = ""
            elif character.isprintable():
                self.line += character

    def end(self) -> Iterator[str]:
        """The line as it stands, if anything does."""
        said, self.line = self.line.strip(), ""
        if said:
            yield HALT if said.lower() == HALT else said


class Keys:
    """Reads single keys of a terminal in a thread of its own, until the block ends; a line not ended by then is a
    note all the same."""

    def __init__(self, handle: int, *, note: Callable[[str], object], halt: Callable[[], None]) -> None:
        self._handle = handle
        self._note = note
        self._halt = halt
        self.typing = Typing()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Keys]:
        """Read until the block ends; the terminal is then as it was."""
        former = termios.tcgetattr(self._handle)
        awake, waker = os.pipe()
        thread = threading.Thread(target=self._read, args=(awake,), name="keys", daemon=True)
        tty.setcbreak(self._handle)
        thread.start()
        try:
            yield self
        finally:
            os.write(waker, b".")
            thread.join()
            termios.tcsetattr(self._handle, termios.TCSADRAIN, former)
            os.close(awake)
            os.close(waker)
            self._take(self.typing.end())

    def _read(self, awake: int) -> None:
        while True:
            ready, _, _ = select.select([self._handle, awake], [], [])
            if awake in ready:
                return
            try:
                data = os.read(self._handle, 1024)
                if data == ESCAPE.encode() and select.select([self._handle], [], [], _SEQUENCE_WITHIN_S)[0]:
                    data += os.read(self._handle, 1024)
            except OSError:
                return  # the terminal was closed, which a signal tells too
            if not data:
                return
            self._take(self.typing.take(data))

    def _take(self, said: Iterator[str]) -> None:
        for text in said:
            if text == HALT:
                self._halt()
                continue
            try:
                self._note(text)
            except SeatrialError as error:  # a full disk: the halt key must go on working
                say(f"not noted: {error}")
