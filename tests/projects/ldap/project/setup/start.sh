#!/bin/sh
# Makes the configuration from the environment, fills an empty directory, and runs slapd.
set -eu
cat >/tmp/slapd.conf <<END
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile /tmp/slapd.pid
database mdb
suffix "$LDAP_BASE"
rootdn "cn=admin,$LDAP_BASE"
rootpw $(slappasswd -s "$LDAP_ADMIN_PASSWORD")
directory /var/lib/ldap
END
[ -s /var/lib/ldap/data.mdb ] || slapadd -f /tmp/slapd.conf -l /seed.ldif
exec slapd -f /tmp/slapd.conf -h ldap:/// -d 0
