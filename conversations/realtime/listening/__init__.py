"""Listening: microphone audio in, turn events out. Pure: no sockets, no ORM, time is counted in samples."""
