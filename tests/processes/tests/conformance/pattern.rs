//! Patterns of JSON: what must be there, of which type and spelling. Further fields may be there too.
//!
//! | pattern | fits |
//! | --- | --- |
//! | `"text"`, `7`, `true` | the same |
//! | `{"a": ..}` | an object with these fields, perhaps with others |
//! | `[.., ..]` | an array of as many elements, one after the other |
//! | `[.., "..."]` | an array in which each of these is somewhere |
//! | `"$mia"` | what the word `mia` stands for, number or text; inside a text it is put in |
//! | `"$digits"` | a kind of value, see [`is_kind`] |
//! | `"$seat = digits"` | the same, and is called `seat` from here on |
//! | `"$one_of a\|b"`, `"$ends text"`, `"$at 2031-05-01T19:30:00Z"` | one of these texts, a text that ends so, this moment |

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What words stand for.
pub type Words = BTreeMap<String, Value>;

/// JSON numbers that every client can read.
const JSON_SAFE: u64 = 1 << 53;

/// What has just happened is no older.
const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// Makes sure that a pattern fits, and keeps what it calls by a name; otherwise says what does not fit.
pub fn fits(pattern: &Value, seen: &Value, words: &mut Words) -> Result<(), String> {
    let mut named = words.clone();
    name(pattern, Some(seen), &mut named);
    check("", pattern, Some(seen), &named)?;
    *words = named;
    Ok(())
}

/// A text with words put in; unknown ones stay as they are.
pub fn spelled(text: &str, words: &Words) -> String {
    let mut pieces = text.split('$');
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(piece.len());
        match words.get(&piece[..end]) {
            Some(Value::String(value)) => whole.push_str(value),
            Some(value) => whole.push_str(&value.to_string()),
            None => whole.extend(["$", &piece[..end]]),
        }
        whole.push_str(&piece[end..]);
    }
    whole
}

/// Finds what is to have a name, before anything is compared: fields come in any order.
fn name(pattern: &Value, seen: Option<&Value>, words: &mut Words) {
    match pattern {
        Value::Object(fields) => {
            for (field, pattern) in fields {
                name(pattern, seen.and_then(|seen| seen.get(field)), words);
            }
        }
        Value::Array(patterns) if !patterns.iter().any(is_rest) => {
            for (position, pattern) in patterns.iter().enumerate() {
                name(pattern, seen.and_then(|seen| seen.get(position)), words);
            }
        }
        Value::String(text) => {
            if let (Some((word, _)), Some(seen)) = (naming(text), seen) {
                assert_eq!(is_kind(word, seen), None, "{word} is the name of a kind");
                words.insert(word.to_owned(), seen.clone());
            }
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => (),
    }
}

fn check(at: &str, pattern: &Value, seen: Option<&Value>, words: &Words) -> Result<(), String> {
    let misfit = |expected: &str| {
        let seen = seen.map_or("nothing".to_owned(), Value::to_string);
        let at = if at.is_empty() { "the body" } else { at };
        Err(format!("{at} is {seen}, not {expected}"))
    };
    match pattern {
        Value::Object(fields) => {
            if !seen.is_some_and(Value::is_object) {
                return misfit("an object");
            }
            fields.iter().try_for_each(|(field, pattern)| {
                check(&format!("{at}.{field}"), pattern, seen.and_then(|seen| seen.get(field)), words)
            })
        }
        Value::Array(patterns) => match seen.and_then(Value::as_array) {
            None => misfit("an array"),
            Some(elements) if patterns.iter().any(is_rest) => {
                let is_there = |pattern: &&Value| {
                    elements.iter().any(|element| check(at, pattern, Some(element), words).is_ok())
                };
                let missing = patterns.iter().find(|pattern| !is_rest(pattern) && !is_there(pattern));
                missing.map_or(Ok(()), |pattern| misfit(&format!("an array with {pattern}")))
            }
            Some(elements) if elements.len() != patterns.len() => {
                misfit(&format!("an array of {}", patterns.len()))
            }
            Some(_) => patterns.iter().enumerate().try_for_each(|(position, pattern)| {
                check(&format!("{at}[{position}]"), pattern, seen.and_then(|seen| seen.get(position)), words)
            }),
        },
        Value::String(text) if fits_text(text, seen, words) => Ok(()),
        Value::String(text) => misfit(&spelled(text, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) if seen == Some(pattern) => Ok(()),
        Value::Null | Value::Bool(_) | Value::Number(_) => misfit(&pattern.to_string()),
    }
}

fn is_rest(pattern: &Value) -> bool {
    pattern == "..."
}

/// The name and the kind in `$name = kind`.
fn naming(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('$')?.split_once(" = ")
}

fn fits_text(text: &str, seen: Option<&Value>, words: &Words) -> bool {
    let seen_text = seen.and_then(Value::as_str);
    let kind = |kind: &str| match (kind, seen) {
        ("absent", seen) => Some(seen.is_none_or(Value::is_null)),
        (_, None) => is_kind(kind, &Value::Null).map(|_| false),
        (_, Some(seen)) => is_kind(kind, seen),
    };
    if let Some((_, named)) = naming(text) {
        let Some(is_of_kind) = kind(named) else { panic!("{named} is no kind of value") };
        return is_of_kind;
    }
    if let Some(texts) = text.strip_prefix("$one_of ") {
        return texts.split('|').any(|text| Some(text) == seen_text);
    }
    if let Some(end) = text.strip_prefix("$ends ") {
        return seen_text.is_some_and(|seen| seen.ends_with(&spelled(end, words)));
    }
    if let Some(moment) = text.strip_prefix("$at ") {
        let Ok(moment) = spelled(moment, words).parse::<Timestamp>() else { panic!("{moment} is no moment") };
        return seen.and_then(moment_in) == Some(moment);
    }
    let Some(word) = text.strip_prefix('$') else { return seen_text == Some(spelled(text, words).as_str()) };
    match (kind(word), words.get(word)) {
        (Some(is_of_kind), _) => is_of_kind,
        (None, Some(value)) => seen == Some(value),
        (None, None) => {
            let text = spelled(text, words);
            assert!(!text.starts_with('$'), "{text} is neither a kind of value nor a word");
            seen_text == Some(text.as_str())
        }
    }
}

/// Whether a value is of a kind; `None` if there is no such kind.
fn is_kind(kind: &str, seen: &Value) -> Option<bool> {
    let text = seen.as_str();
    let is_of_kind = match kind {
        "any" => true,
        "absent" => seen.is_null(),
        "array" => seen.is_array(),
        "object" => seen.is_object(),
        "bool" => seen.is_boolean(),
        "number" => seen.is_number(),
        "integer" => seen.is_i64() || seen.is_u64(),
        "count" => seen.is_u64(),
        "string" => text.is_some(),
        "text" => text.is_some_and(|text| !text.is_empty()),
        // An id whose form the documents leave open.
        "id" => text.is_some_and(|text| !text.is_empty()),
        // An id as seeds with texts write it.
        "digits" => text.is_some_and(|text| {
            text.bytes().all(|byte| byte.is_ascii_digit())
                && text.parse::<u64>().is_ok_and(|id| id < JSON_SAFE)
        }),
        "instant" => moment_in(seen).is_some(),
        "recent" => moment_in(seen).is_some_and(is_recent),
        // As seed S0 writes its moments.
        "whole_second" => {
            moment_in(seen).is_some() && text.is_some_and(|text| text.len() == "2025-06-23T05:30:41Z".len())
        }
        // As seed S2 writes its moments.
        "millis" => {
            let moment = seen.as_i64().and_then(|millis| Timestamp::from_millisecond(millis).ok());
            moment.is_some_and(is_recent)
        }
        _ => return None,
    };
    Some(is_of_kind)
}

/// RFC 3339 in UTC.
fn moment_in(seen: &Value) -> Option<Timestamp> {
    seen.as_str().filter(|text| text.ends_with('Z'))?.parse().ok()
}

fn is_recent(moment: Timestamp) -> bool {
    Timestamp::now().duration_since(moment).abs() < RECENT
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tried(pattern: &Value, seen: &Value) -> Result<Words, String> {
        let mut words = Words::from([("mia".to_owned(), json!("17")), ("ride".to_owned(), json!(4))]);
        fits(pattern, seen, &mut words)?;
        Ok(words)
    }

    #[test]
    fn what_must_be_there_is_there_and_more_may_be() {
        let seen = json!({"id": "5", "count": 3, "seats": ["A", "B"], "note": null});
        let pattern = json!({
            "id": "$seat = digits", "count": "$count", "seats": ["A", "$text"], "note": "$absent",
            "more": "$absent",
        });
        assert_eq!(tried(&pattern, &seen).unwrap()["seat"], "5");
        assert!(tried(&json!({"seats": ["B", "..."]}), &seen).is_ok());
        for (wrong, says) in [
            (json!({"name": "$any"}), ".name is nothing, not $any"),
            (json!({"id": 5}), ".id is \"5\", not 5"),
            (json!({"count": "$digits"}), ".count is 3, not $digits"),
            (json!({"seats": ["A"]}), ".seats is [\"A\",\"B\"], not an array of 1"),
            (json!({"seats": ["C", "..."]}), ".seats is [\"A\",\"B\"], not an array with \"C\""),
            (json!({"seats": ["A", ""]}), ".seats[1] is \"B\", not "),
            (json!([]), "the body is"),
        ] {
            let said = tried(&wrong, &seen).unwrap_err();
            assert!(said.starts_with(says), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_word_keeps_its_type() {
        assert!(tried(&json!({"a": "$mia", "b": "$ride"}), &json!({"a": "17", "b": 4})).is_ok());
        assert!(tried(&json!("$mia"), &json!(17)).is_err());
        assert!(tried(&json!("$ride"), &json!("4")).is_err());
        assert!(tried(&json!("/of/$mia/and/$ride."), &json!("/of/17/and/4.")).is_ok());
        let pattern = json!({"b": "$ends /of/$a_new", "z": "$a_new = digits"});
        assert!(tried(&pattern, &json!({"z": "8", "b": "http://x/of/8"})).is_ok());
    }

    #[test]
    fn kinds_refuse_what_is_not_of_them() {
        let now = Timestamp::now();
        let good = [
            ("digits", json!("9007199254740991")),
            ("recent", json!(now.to_string())),
            ("millis", json!(now.as_millisecond())),
            ("whole_second", json!("2025-06-23T05:30:41Z")),
            ("one_of a|b", json!("b")),
            ("at 2031-05-01T19:30:00Z", json!("2031-05-01T19:30:00.000Z")),
        ];
        let bad = [
            ("digits", json!("9007199254740992")),
            ("digits", json!("")),
            ("digits", json!("-1")),
            ("text", json!("")),
            ("recent", json!("2025-06-23T05:30:41Z")),
            ("instant", json!("2025-06-23T05:30:41+00:00")),
            ("millis", json!(now.as_second())),
            ("whole_second", json!("2025-06-23T05:30:41.5Z")),
            ("one_of a|b", json!("a|b")),
            ("at 2031-05-01T19:30:00Z", json!("2031-05-01T19:31:00Z")),
        ];
        for (kind, value) in good {
            assert!(tried(&json!(format!("${kind}")), &value).is_ok(), "{kind} {value}");
        }
        for (kind, value) in bad {
            assert!(tried(&json!(format!("${kind}")), &value).is_err(), "{kind} {value}");
        }
    }
}
