# Reads bytes as numbers: UTF-16 behind a byte order mark (RFC 2781). Writes its characters in UTF-8, as octal escapes for printf;
# ends with 1 if a character is cut off or has no partner.

{
    for (i = 1; i <= NF; i++) {
        if (!halved) { first = $i + 0; halved = 1; continue }
        halved = 0
        if (!begun) { begun = 1; big = (first == 254); continue }
        unit = big ? first * 256 + $i : $i * 256 + first
        if (high) {
            if (unit < 56320 || unit > 57343) { bad = 1; exit }
            write_character(65536 + (high - 55296) * 1024 + unit - 56320)
            high = 0
        } else if (unit >= 55296 && unit <= 56319) {
            high = unit
        } else if (unit >= 56320 && unit <= 57343) {
            bad = 1
            exit
        } else {
            write_character(unit)
        }
    }
}

END {
    print ""
    exit (bad || halved || high) ? 1 : 0
}

function write_character(code) {
    if (code < 128) { write_byte(code); return }
    if (code < 2048) write_byte(192 + int(code / 64))
    else {
        if (code < 65536) write_byte(224 + int(code / 4096))
        else { write_byte(240 + int(code / 262144)); write_byte(128 + int(code / 4096) % 64) }
        write_byte(128 + int(code / 64) % 64)
    }
    write_byte(128 + code % 64)
}

function write_byte(byte) {
    printf "\\%03o", byte
    if (++written % 64 == 0) print ""
}
