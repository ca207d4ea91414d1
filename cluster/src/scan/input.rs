//! What a scanner types: a code, or the URL of its image, a line each.

use std::io::{BufRead, Read as _};

use crate::failure::Failure;

/// Of a longer line only so much is looked at: far more than any code or URL, so it is refused as too long.
const LINE_BYTES_MAX: u64 = 4096;

/// The next line, or none at the end. Whatever is not UTF-8 is no code either.
pub(crate) fn next_line(lines: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    let length = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if length == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && length as u64 == LINE_BYTES_MAX {
        lines.skip_until(b'\n')?;
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// The code in a line: itself, or what stands in the path `/q/CODE.png` (or `.svg`) of a URL.
pub(crate) fn code_in(line: &str) -> &str {
    let line = line.trim();
    let is_url = line.starts_with("/q/") || line.starts_with("https://") || line.starts_with("http://");
    let path = line.split(['?', '#']).next().unwrap_or(line);
    let Some((_, image)) = path.rsplit_once("/q/").filter(|_| is_url) else { return line };
    image.strip_suffix(".png").or_else(|| image.strip_suffix(".svg")).unwrap_or(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_in_the_url_of_its_image() {
        for line in [
            "HF2ABC",
            " HF2ABC\r\n",
            "/q/HF2ABC.png",
            "https://h.example:3000/q/HF2ABC.png?exp=1&sig=/q/x.png",
            "http://h/q/HF2ABC.svg",
        ] {
            assert_eq!(code_in(line), "HF2ABC", "{line}");
        }
        for line in ["ftp://h/q/HF2ABC.png", "https://h/HF2ABC.png"] {
            assert_eq!(code_in(line), line);
        }
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_read() {
        let text = format!("{}\nnext", "A".repeat(3 * 4096));
        let mut lines = text.as_bytes();
        assert_eq!(next_line(&mut lines).unwrap().unwrap().len(), 4096);
        assert_eq!(next_line(&mut lines).unwrap().unwrap(), "next");
        assert_eq!(next_line(&mut lines).unwrap(), None);
    }
}
