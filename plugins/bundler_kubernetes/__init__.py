"""The renderer `kubernetes`: plain manifests, and a chart, from the neutral model of an application."""
