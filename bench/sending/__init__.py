"""The parts of `bench/sender.py`: messages as the handler makes them, and how the sender sends."""
