//! Small text files that people may read and nobody edits: their last line shows that they are whole.

const SEAL: &str = "crc32c ";

/// The text of a file with these lines.
pub(crate) fn seal(mut lines: String) -> String {
    let checksum = crc32c::crc32c(lines.as_bytes());
    lines.push_str(&format!("{SEAL}{checksum:08x}\n"));
    lines
}

/// The lines of a file, or what is wrong with it. Its first line says what it is, in which format.
pub(crate) fn unseal<'a>(bytes: &'a [u8], first_line: &str) -> Result<std::str::Lines<'a>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
    let mut lines = text.lines();
    if lines.next() != Some(first_line) {
        return Err("its first line is another");
    }
    let (sealed, seal) = text.rsplit_once(SEAL).ok_or("its last line is missing")?;
    if seal != format!("{:08x}\n", crc32c::crc32c(sealed.as_bytes())) {
        return Err("its checksum is wrong");
    }
    let mut lines = sealed.lines();
    lines.next();
    Ok(lines)
}
