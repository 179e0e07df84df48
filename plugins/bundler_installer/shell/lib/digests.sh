# ---- lib/digests: SHA-256 of files and streams

# hash_files: hash the files whose names are read NUL-separated from standard input, in order; each output line starts with
# the digest
hash_files() {
    if have openssl; then
        xargs -0 openssl dgst -sha256 -r
    else
        xargs -0 sha256sum
    fi
}

# hash_below FOLDER NAMES DIGESTS: hash the files below the folder whose names stand NUL-separated in a file, into another
hash_below() { (cd -- "$1" && hash_files <"$2") >"$3" 2>/dev/null; }

# hash_stream: hash standard input; the output line starts with the digest
hash_stream() { if have openssl; then openssl dgst -sha256 -r; else sha256sum; fi; }

is_digest() { case $1 in *[!0-9a-f]*) return 1 ;; esac; [ "${#1}" -eq 64 ]; }
