//! What guests are told, in their language.

mod de;
mod en;
mod es;
mod fr;
mod ja;
mod zh;

use super::message::{Facts, Message};

/// Characters of a name or a time; what is longer is cut.
const FACT_LENGTH_MAX: usize = 120;

/// The first counts where a guest speaks none of them.
const LANGUAGES: [&Texts; 6] = [&en::TEXTS, &de::TEXTS, &fr::TEXTS, &es::TEXTS, &ja::TEXTS, &zh::TEXTS];

/// All that is said in a language. `{resource}`, `{start}`, `{count}` and `{url}` are filled in.
struct Texts {
    language: &'static str,
    ready: Text,
    confirmed: Text,
    cancelled: Text,
    displaced: Text,
    no_show: Text,
    expired: Text,
    changed: Text,
    rejected: Text,
    /// Of a kind that has no text of its own.
    other: Text,
    code: &'static str,
}

struct Text {
    title: &'static str,
    body: &'static str,
}

/// What one guest is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) language: &'static str,
    pub(super) title: String,
    pub(super) body: String,
    /// Where the entrance code is, for a guest who still needs it.
    code: Option<String>,
}

/// The text for a message.
pub(super) fn fill(message: &Message) -> Filled {
    let texts = texts_in(&message.language);
    let (text, shows_code) = texts.of(&message.kind);
    let facts = &message.facts;
    let has_code = shows_code && facts.code_url.is_some();
    Filled {
        language: texts.language,
        title: filled(text.title, facts),
        body: filled(text.body, facts),
        code: has_code.then(|| filled(texts.code, facts)),
    }
}

impl Filled {
    /// The body, and where the entrance code is.
    pub(super) fn with_code(&self) -> String {
        let code = self.code.as_ref().map(|code| format!("\n{code}\n")).unwrap_or_default();
        format!("{}\n{code}", self.body)
    }
}

impl Texts {
    /// The text of a kind, and whether the entrance code belongs to it.
    fn of(&self, kind: &str) -> (&Text, bool) {
        match kind {
            "booking.ready" => (&self.ready, true),
            "booking.confirmed" => (&self.confirmed, true),
            "booking.changed" => (&self.changed, true),
            "booking.cancelled" => (&self.cancelled, false),
            "booking.displaced" => (&self.displaced, false),
            "booking.no_show" => (&self.no_show, false),
            "booking.expired" => (&self.expired, false),
            "booking.rejected" => (&self.rejected, false),
            _ => (&self.other, false),
        }
    }
}

/// The texts in a language or the nearest one: of `zh-Hant-TW`, `zh-Hant`, then `zh`, then the first there is.
fn texts_in(language: &str) -> &'static Texts {
    let mut tag = language.replace('_', "-").to_ascii_lowercase();
    loop {
        if let Some(texts) = LANGUAGES.into_iter().find(|texts| texts.language == tag) {
            return texts;
        }
        let Some((wider, _)) = tag.rsplit_once('-') else { return LANGUAGES[0] };
        tag = wider.to_owned();
    }
}

/// One pass: what is filled in is never looked at again.
fn filled(text: &str, facts: &Facts) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        match name {
            "resource" => filled.push_str(&plain(&facts.resource)),
            "start" => filled.push_str(&plain(&facts.starts_at)),
            "count" => filled.push_str(&facts.count.to_string()),
            _ => filled.push_str(facts.code_url.as_deref().unwrap_or_default()),
        }
        rest = after;
    }
    filled + rest
}

/// One line, and not too long.
fn plain(fact: &str) -> String {
    let characters = fact.chars().map(|character| if character.is_control() { ' ' } else { character });
    characters.take(FACT_LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senders::message::Target;
    use crate::senders::message::tests::message_to;

    const KINDS: [&str; 9] = [
        "booking.ready",
        "booking.confirmed",
        "booking.changed",
        "booking.cancelled",
        "booking.displaced",
        "booking.no_show",
        "booking.expired",
        "booking.rejected",
        "booking.never_heard_of",
    ];

    fn of(kind: &str, language: &str) -> Filled {
        fill(&Message { kind: kind.to_owned(), language: language.to_owned(), ..message_to(Target::Log) })
    }

    #[test]
    fn a_guest_is_told_in_his_language() {
        let said = of("booking.ready", "en");
        assert_eq!(said.title, "Your turn is near: Ghost Train");
        assert_eq!(
            said.with_code(),
            "It starts at 14:30. Places: 2.\n\nYour entrance code: https://tickets.example/77\n"
        );
        assert_eq!(of("booking.cancelled", "de").with_code(), "Ihre Buchung für 14:30 wurde storniert.\n");
    }

    #[test]
    fn the_nearest_language_is_taken() {
        for (wanted, given) in [
            ("de-AT", "de"),
            ("zh-Hant-TW", "zh"),
            ("fr_CA", "fr"),
            ("ES", "es"),
            ("ja", "ja"),
            ("pt-BR", "en"),
            ("", "en"),
            ("-", "en"),
            ("dex", "en"),
        ] {
            assert_eq!(of("booking.ready", wanted).language, given, "{wanted}");
        }
    }

    #[test]
    fn every_text_names_the_resource_and_the_start_and_leaves_nothing_to_fill_in() {
        for texts in LANGUAGES {
            for kind in KINDS {
                let said = of(kind, texts.language);
                let all = format!("{} {}", said.title, said.with_code());
                assert!(said.title.contains("Ghost Train") && said.body.contains("14:30"), "{all}");
                assert!(!all.contains(['{', '}']), "{all}");
                assert_eq!(all.contains("https://"), KINDS[..3].contains(&kind), "{all}");
            }
        }
    }

    #[test]
    fn names_are_neither_filled_in_nor_cut_the_text_into_lines_nor_grow_without_bound() {
        let facts = |resource: &str| Facts { resource: resource.to_owned(), ..Facts::default() };
        assert_eq!(filled("{resource}!", &facts("{count}\r\nBcc: x")), "{count}  Bcc: x!");
        assert_eq!(filled("{resource}", &facts(&"é".repeat(500))), "é".repeat(120));
    }
}
