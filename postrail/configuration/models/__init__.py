"""The kinds of things that operators configure, one file each: its model and its descriptor."""
