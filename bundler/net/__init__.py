"""What HTTP needs: proxies, certificates, pace, downloads."""
