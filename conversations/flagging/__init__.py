"""Flags that raise themselves: rules of words and patterns, run over what was said. A person decides what follows."""
