"""Packs the self-contained installer; its shell sources live in `shell/`, its messages in `messages/`."""
