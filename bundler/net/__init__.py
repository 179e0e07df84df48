"""HTTP: proxies, certificates, minimum speed, retries, downloads."""
