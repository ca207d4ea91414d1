//! `State::apply` only dispatches: it is short and knows no command by name.

use crate::sources::Source;

const DOOR: &str = "node/reservations/src/state.rs";
const COMMANDS: &str = "node/reservations/src/command.rs";
const BODY_LINES_MAX: usize = 12;

pub fn failures(sources: &[Source]) -> Vec<String> {
    let (Some(door), Some(commands)) = (text(sources, DOOR), text(sources, COMMANDS)) else {
        return vec![format!(
            "{DOOR} or {COMMANDS} is missing. Tell scripts/src/layers/apply.rs where they went"
        )];
    };
    let Some(body) = block_after(door, "pub fn apply(") else {
        return vec![format!("{DOOR} has no `pub fn apply`. Tell scripts/src/layers/apply.rs where it went")];
    };
    let Some(variants) =
        block_after(commands, "pub enum Command ").map(variants).filter(|all| !all.is_empty())
    else {
        return vec![format!(
            "{COMMANDS} has no `pub enum Command`. Tell scripts/src/layers/apply.rs where it went"
        )];
    };
    let named = variants.into_iter().filter(|variant| words(body).any(|word| word == *variant));
    let named = named.map(|name| format!("State::apply names {name}. Leave commands to Command::apply"));
    named.chain(too_long(body)).collect()
}

fn too_long(body: &str) -> Option<String> {
    let lines = body.trim().lines().count();
    (lines > BODY_LINES_MAX).then(|| {
        format!("State::apply has {lines} lines, more than {BODY_LINES_MAX}. Move plain steps into helpers")
    })
}

fn text<'a>(sources: &'a [Source], path: &str) -> Option<&'a str> {
    sources.iter().find(|source| source.path == path).map(|source| source.text.as_str())
}

/// What stands between the braces that open after `opening`.
fn block_after<'a>(text: &'a str, opening: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(opening)?;
    let (_, rest) = rest.split_once('{')?;
    let mut depth = 1;
    for (position, character) in rest.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => (),
        }
        if depth == 0 {
            return rest.get(..position);
        }
    }
    None
}

fn variants(body: &str) -> Vec<&str> {
    let code = body.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with('#'));
    code.filter_map(|line| words(line).next()).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const COMMAND: &str = "
        pub enum Command {
            /// Guests book.
            Book(Book),
            #[expect(dead_code)]
            Tick(Tick),
        }
    ";

    fn check(door: &str, expected: Expect) {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let sources = [source(DOOR, door), source(COMMANDS, COMMAND)];
        expected.assert_eq(&failures(&sources).join("\n"));
    }

    #[test]
    fn a_door_that_dispatches_passes() {
        check(
            "
            use crate::bookings::Book;
            pub fn apply(&mut self, entry: &Entry) -> Vec<Applied> {
                entry.requests.iter().map(|request| { self.apply_once(request) }).collect()
            }
            fn tick(&self, Tick: Tick) {}
            ",
            expect![""],
        );
    }

    #[test]
    fn a_door_that_knows_a_command_is_found() {
        check(
            "pub fn apply(&mut self, command: &Command) { if let Command::Book(book) = command { self.book() } }",
            expect!["State::apply names Book. Leave commands to Command::apply"],
        );
    }

    #[test]
    fn a_long_door_is_found() {
        let body = "    self.step();\n".repeat(13);
        check(
            &format!("pub fn apply(&mut self) {{\n{body}}}"),
            expect!["State::apply has 13 lines, more than 12. Move plain steps into helpers"],
        );
    }

    #[test]
    fn a_door_that_moved_is_missed() {
        check(
            "pub fn enter() {}",
            expect![
                "node/reservations/src/state.rs has no `pub fn apply`. Tell scripts/src/layers/apply.rs where it went"
            ],
        );
        expect![
            "node/reservations/src/state.rs or node/reservations/src/command.rs is missing. Tell scripts/src/layers/apply.rs where they went"
        ]
        .assert_eq(&failures(&[]).join("\n"));
    }
}
