"""Settings of the application `dify`: `model` is the whole, the others its parts."""
