# mask_marks TEXT: the text with ? for control characters of Latin-1 and for marks of text direction, which deceive who reads it.
# has_marks TEXT: whether there are any.

function mask_marks(text) {
    gsub(/\302[\200-\237]|\330\234|\342\200[\216\217\252-\256]|\342\201[\246-\251]/, "?", text)
    return text
}
function has_marks(text) { return mask_marks(text) != text }
