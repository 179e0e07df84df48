# ---- target/compose/scope: what only one of the targets does: a cluster has objects, and does without some of what a server needs

# target_has WHAT: whether the target needs it: page (the page of questions), blobs (files to load images again), data (folders of
# this server), backups, images (that an uninstallation can remove), ports (of this server)
target_has() { return 0; }

# refuse_command: end the run if the command, or one of its options, is not for this target
refuse_command() { :; }

# take_objects: before the command
take_objects() { :; }

# take_setting NAME VALUE WHERE: an answer that is for the target alone
take_setting() { return 1; }

# examine_objects: before anything is changed
examine_objects() { :; }

# place_objects: when the release is in its place
place_objects() { :; }

# print_published: where ports are published, if not on this server
print_published() { :; }

# name_reasons SERVICE: why it does not run, beside its log
name_reasons() { :; }

# drop_secrets: that the target keeps beside those of the root
drop_secrets() { :; }

# lose_use: end the run, because the use of the containers is not known
lose_use() { lose_target; }
