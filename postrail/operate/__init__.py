"""Operations that the command and the console share: one function each, with a typed result."""
