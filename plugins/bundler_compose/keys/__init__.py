"""All keys of the Compose specification, and what a bundle makes of each.

Sources: the schema of compose-go v2.16.1 (schema/compose-spec.json), which Docker Compose 5.6.0 embeds. The
lowest Compose is the first release that embeds a schema with the key (compose-go versions in go.mod of the
tags v2.0.0 to v5.6.0 of docker/compose). The lowest engine is the first whose API has the field: the version
history of the Engine API, and pkg/compose/api_versions.go of docker/compose v5.6.0. Keys without effect
outside of Swarm: pkg/compose/unsupported_attributes.go of the same.
"""
