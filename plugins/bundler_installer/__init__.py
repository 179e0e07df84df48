"""Packs the self-contained installer. Its shell sources are in `shell/`, its messages in `messages/`."""
