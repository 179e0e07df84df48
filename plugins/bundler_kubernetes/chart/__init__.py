"""The Helm chart, with the objects of the plain manifests: its values hold what a site decides."""
