//! Shows stored bytes in golden tests, sixteen to a line.

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for line in bytes.chunks(16) {
        let line: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        shown.push_str(&line.join(" "));
        shown.push('\n');
    }
    shown
}
