# mask_marks TEXT: replace control characters of Latin-1 and marks of text direction, which can deceive a reader, by ?.
# has_marks TEXT: whether the text contains any of them.

function mask_marks(text) {
    gsub(/\302[\200-\237]|\330\234|\342\200[\216\217\252-\256]|\342\201[\246-\251]/, "?", text)
    return text
}
function has_marks(text) { return mask_marks(text) != text }
