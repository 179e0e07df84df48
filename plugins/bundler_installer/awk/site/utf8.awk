# Reads bytes as numbers. Writes the first that is not UTF-8 (RFC 3629, section 4), as 0xFF.

{
    for (i = 1; i <= NF; i++) {
        byte = $i + 0
        if (more > 0) {
            if (byte < low || byte > high) exit
            more--; low = 128; high = 191
        } else {
            first = byte; low = 128; high = 191
            if (byte < 128) more = 0
            else if (byte >= 194 && byte <= 223) more = 1
            else if (byte >= 224 && byte <= 239) { more = 2; if (byte == 224) low = 160; if (byte == 237) high = 159 }
            else if (byte >= 240 && byte <= 244) { more = 3; if (byte == 240) low = 144; if (byte == 244) high = 143 }
            else exit
        }
        if (more == 0) first = ""
    }
}
END { if (first != "") printf "0x%02X\n", first }
