//! Fields of a body, and all that is wrong with them at once.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::http::Call;
use crate::problem::{Problem, Result};

/// The code of a problem whose extras are fields and what is wrong with them.
pub(crate) const WRONG_FIELDS: &str = "wrong_fields";

/// What is wrong, field by field.
#[derive(Default)]
pub(super) struct Wrong(Map<String, Value>);

/// The fields of a body. What is wrong is noted, and something harmless taken for it.
pub(super) struct Fields {
    body: Map<String, Value>,
    pub(super) wrong: Wrong,
}

impl Wrong {
    pub(super) fn add(&mut self, field: &str, message: impl Into<String>) {
        let messages = self.0.entry(field).or_insert_with(|| json!([]));
        if let Value::Array(messages) = messages {
            messages.push(Value::String(message.into()));
        }
    }

    /// What was read, unless anything is wrong.
    pub(super) fn into_result<T>(self, read: T) -> Result<T> {
        if self.0.is_empty() {
            return Ok(read);
        }
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let detail = format!("these fields are wrong: {}", names.join(", "));
        Err(Problem { extra: self.0, ..Problem::new(400, WRONG_FIELDS, detail) })
    }
}

/// One field is wrong.
pub(super) fn wrong_field(field: &str, message: &str) -> Problem {
    let extra = Map::from_iter([(field.to_owned(), json!([message]))]);
    Problem { extra, ..Problem::new(400, WRONG_FIELDS, format!("{field}: {message}")) }
}

impl Fields {
    /// The fields of the body of a call.
    pub(super) fn of(call: &Call) -> Result<Self> {
        call.json::<Map<String, Value>>().map(Self::from)
    }

    /// What was read, unless anything is wrong.
    pub(super) fn into_result<T>(self, read: T) -> Result<T> {
        self.wrong.into_result(read)
    }

    /// Whether the body says something of a field; null says nothing.
    pub(super) fn has(&self, field: &str) -> bool {
        self.body.get(field).is_some_and(|value| !value.is_null())
    }

    /// What the body says of a field.
    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.body.remove(field).filter(|value| !value.is_null())
    }

    /// What the body must say of a field.
    pub(super) fn expect(&mut self, field: &str) -> Option<Value> {
        let value = self.take(field);
        if value.is_none() {
            self.wrong.add(field, "is missing");
        }
        value
    }

    /// A text that is not blank.
    pub(super) fn text(&mut self, field: &str, bytes_max: usize) -> String {
        match self.expect(field) {
            None => String::new(),
            Some(Value::String(text)) if !text.trim().is_empty() && text.len() <= bytes_max => text,
            Some(Value::String(_)) => self.without(field, format!("expected 1 to {bytes_max} bytes")),
            Some(_) => self.without(field, "expected a string"),
        }
    }

    /// A text, if there is one.
    pub(super) fn text_if_any(&mut self, field: &str, bytes_max: usize) -> String {
        match self.take(field) {
            None => String::new(),
            Some(Value::String(text)) if text.len() <= bytes_max => text,
            Some(Value::String(_)) => self.without(field, format!("expected at most {bytes_max} bytes")),
            Some(_) => self.without(field, "expected a string"),
        }
    }

    /// A whole number.
    pub(super) fn whole(&mut self, field: &str, range: RangeInclusive<u64>) -> u64 {
        match self.expect(field) {
            Some(value) => self.whole_in(field, &value, range),
            None => 0,
        }
    }

    /// A whole number, if there is one.
    pub(super) fn whole_if_any(&mut self, field: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(field)?;
        Some(self.whole_in(field, &value, range))
    }

    fn whole_in(&mut self, field: &str, value: &Value, range: RangeInclusive<u64>) -> u64 {
        match value.as_u64().filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                let (first, last) = (range.start(), range.end());
                self.without(field, format!("expected a whole number from {first} to {last}"))
            }
        }
    }

    fn without<T: Default>(&mut self, field: &str, message: impl Into<String>) -> T {
        self.wrong.add(field, message);
        T::default()
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(body: Map<String, Value>) -> Self {
        Self { body, wrong: Wrong::default() }
    }
}

/// For tests: the fields of a JSON object.
#[cfg(test)]
pub(super) fn fields_in(body: Value) -> Fields {
    let Value::Object(body) = body else { panic!("{body} is no object") };
    Fields::from(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let mut fields = fields_in(json!({
            "name": "  ", "venue": 7, "note": "long", "count": 0, "price": "2", "size": 1.5, "kept": null,
        }));
        assert_eq!((fields.text("name", 9), fields.text("venue", 9)), (String::new(), String::new()));
        assert_eq!(fields.text("city", 9), "");
        assert_eq!(fields.text_if_any("note", 3), "");
        assert_eq!((fields.whole("count", 1..=5), fields.whole("price", 1..=5)), (0, 0));
        assert_eq!((fields.whole_if_any("size", 1..=5), fields.whole_if_any("kept", 1..=5)), (Some(0), None));
        let problem = fields.into_result(()).unwrap_err();
        assert_eq!((problem.status, problem.code), (400, WRONG_FIELDS));
        let number = ["expected a whole number from 1 to 5"];
        let expected = json!({
            "name": ["expected 1 to 9 bytes"], "venue": ["expected a string"], "city": ["is missing"],
            "note": ["expected at most 3 bytes"], "count": number, "price": number, "size": number,
        });
        assert_eq!(Value::Object(problem.extra), expected);
    }

    #[test]
    fn what_is_right_is_read() {
        let mut fields = fields_in(json!({"name": "Concert", "note": "", "count": 5, "other": []}));
        assert!(fields.has("other") && !fields.has("size"));
        let read = (fields.text("name", 7), fields.text_if_any("note", 3), fields.whole("count", 1..=5));
        let read = fields.into_result(read).unwrap();
        assert_eq!(read, ("Concert".to_owned(), String::new(), 5));
    }

    #[test]
    fn one_field_is_told_as_several_are() {
        let mut wrong = Wrong::default();
        wrong.add("date", "expected yyyy-MM-dd");
        let (one, several) = (wrong_field("date", "expected yyyy-MM-dd"), wrong.into_result(()).unwrap_err());
        assert_eq!((one.status, one.code, one.extra), (several.status, several.code, several.extra));
    }
}
