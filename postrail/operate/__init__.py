"""Operations that commands and the console share, one function each."""
