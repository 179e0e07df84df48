"""What of a project travels, and where it lies at the site.

`names`: what a name says of its file. `project`: the project's files, safely found. `rules`: the settings.
`uses`: the mounts of a canonical document. `classify`: the kind of each mount. `carry`: files and folders
read from the disk. `collect`: all of it, and the document with the paths of the site.
"""
