"""The five stages: one function each, typed input to typed output."""
