"""Settings of the application `dify`: `model` combines the sections of the other modules."""
