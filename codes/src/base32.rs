//! RFC 4648 base32 in capitals and without padding: letters that a QR code packs tightly, and that are safe in a URL, a
//! shell and a mail.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BITS: u32 = 5;

/// How many characters so many bytes take.
pub(crate) const fn length(bytes: usize) -> usize {
    (bytes * 8).div_ceil(BITS as usize)
}

/// Appends the characters of the bytes; the bits that fill up the last one are zero.
pub(crate) fn encode(bytes: &[u8], text: &mut String) {
    let mut bits: u32 = 0;
    let mut count = 0;
    let mut push = |bits: u32| text.push(char::from(ALPHABET[(bits & 31) as usize]));
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= BITS {
            count -= BITS;
            push(bits >> count);
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        push(bits << (BITS - count));
    }
}

/// Fills `bytes`, if the text has just as many characters; none is skipped, and small letters count as capitals. Whether
/// the spare bits are zero is left to whoever encodes again.
pub(crate) fn decode(text: &str, bytes: &mut [u8]) -> Option<()> {
    if text.len() != length(bytes.len()) {
        return None;
    }
    let mut bits: u32 = 0;
    let mut count = 0;
    let mut free = bytes.iter_mut();
    for character in text.bytes() {
        bits = (bits << BITS | value(character)?) & 0xfff;
        count += BITS;
        if count >= 8 {
            count -= 8;
            *free.next()? = u8::try_from(bits >> count & 0xff).ok()?;
        }
    }
    Some(())
}

fn value(character: u8) -> Option<u32> {
    match character {
        b'A'..=b'Z' => Some(u32::from(character - b'A')),
        b'a'..=b'z' => Some(u32::from(character - b'a')),
        b'2'..=b'7' => Some(u32::from(character - b'2') + 26),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_hold() {
        let examples = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (plain, coded) in examples {
            let mut text = String::new();
            encode(plain.as_bytes(), &mut text);
            assert_eq!(text, coded);
            let mut bytes = vec![0; plain.len()];
            assert_eq!(decode(coded, &mut bytes), Some(()));
            assert_eq!(bytes, plain.as_bytes());
        }
    }

    #[test]
    fn nothing_else_is_decoded() {
        for text in ["MZXW6===", "MZXW", "MZXW61", "MZXW0", "MZ W6", "MZXWé"] {
            assert_eq!(decode(text, &mut [0; 3]), None, "{text}");
        }
    }
}
