//! Conversations as text: one statement after the other.
//!
//! ```text
//! WHO METHOD PATH [BODY]
//!     -> STATUS[|STATUS..] [SHAPE]
//! ```
//!
//! `->` is an answer at once, `~>` one that a reader who asks again and again gets in the end. A statement begins with a
//! letter; whatever does not continues it. Nothing said of the shape means any.

use holdfast_cluster::Reply;
use hyper::Method;
use serde_json::Value;

use crate::pattern::{Words, fits};

/// A call and what is expected of its answer.
#[derive(Debug)]
pub struct Statement {
    pub text: String,
    pub who: String,
    pub method: Method,
    pub path: String,
    pub body: Option<String>,
    pub due: Due,
    statuses: Vec<u16>,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    AtOnce,
    InTheEnd,
}

/// What the body is to be.
#[derive(Debug)]
enum Shape {
    Any,
    /// `nest`: S1's errors.
    Nest,
    /// `error`: S2's errors.
    Error,
    /// `map FIELD..`: S3's errors, with messages for these fields.
    Map(Vec<String>),
    /// `problem [CODE|..]`: RFC 9457.
    Problem(Vec<String>),
    /// `told`: an error whose shape the documents leave open says why, in any of these.
    Told,
    /// A pattern.
    Json(Value),
}

/// All statements of a conversation.
pub fn statements(table: &str) -> Vec<Statement> {
    let mut texts: Vec<String> = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match texts.last_mut() {
            Some(text) if !line.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                text.push(' ');
                text.push_str(line);
            }
            Some(_) | None => texts.push(line.to_owned()),
        }
    }
    texts.into_iter().map(|text| parsed(&text).unwrap_or_else(|| panic!("no statement: {text}"))).collect()
}

fn parsed(text: &str) -> Option<Statement> {
    let (call, due, expected) = match (text.split_once(" -> "), text.split_once(" ~> ")) {
        (Some((call, expected)), None) => (call, Due::AtOnce, expected),
        (None, Some((call, expected))) => (call, Due::InTheEnd, expected),
        _ => return None,
    };
    let mut words = call.trim().splitn(4, ' ');
    let (who, method, path) = (words.next()?, words.next()?, words.next()?);
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    let (statuses, shape) = expected.trim().split_once(' ').unwrap_or((expected.trim(), ""));
    let statuses = statuses.split('|').map(|status| status.parse().ok()).collect::<Option<_>>()?;
    Some(Statement {
        text: text.to_owned(),
        who: who.to_owned(),
        method,
        path: path.to_owned(),
        body: words.next().map(|body| body.trim().to_owned()),
        due,
        statuses,
        shape: shape_in(shape.trim())?,
    })
}

fn shape_in(text: &str) -> Option<Shape> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let listed =
        |separator| rest.split(separator).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some(match word {
        "" => Shape::Any,
        "nest" => Shape::Nest,
        "error" => Shape::Error,
        "told" => Shape::Told,
        "map" => Shape::Map(listed(' ')),
        "problem" => Shape::Problem(listed('|')),
        _ => Shape::Json(serde_json::from_str(text).ok()?),
    })
}

impl Statement {
    /// Says what is wrong with an answer, or keeps what it calls by a name.
    pub fn judge(&self, reply: &Reply, words: &mut Words) -> Result<(), String> {
        if !self.statuses.contains(&reply.status) {
            return Err(format!("the status is {}", reply.status));
        }
        match &self.shape {
            Shape::Any => Ok(()),
            Shape::Nest => is_nest(reply),
            Shape::Error => is(reply.json["error"].as_str().is_some_and(says), "not S2's {error}"),
            Shape::Told => {
                let told = ["message", "error", "detail"].map(|name| &reply.json[name]);
                is(told.into_iter().any(is_message), "an error does not say why")
            }
            Shape::Map(fields) => is_map(reply, fields),
            Shape::Problem(codes) => is_problem(reply, codes),
            Shape::Json(pattern) => fits(pattern, &reply.json, words),
        }
    }
}

fn is(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn says(text: &str) -> bool {
    !text.is_empty()
}

/// A text, or several.
fn is_message(value: &Value) -> bool {
    match value {
        Value::String(text) => says(text),
        Value::Array(texts) => !texts.is_empty() && texts.iter().all(|text| text.as_str().is_some_and(says)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

fn is_nest(reply: &Reply) -> Result<(), String> {
    let json = &reply.json;
    let is_whole = json["statusCode"] == reply.status
        && is_message(&json["message"])
        && json["error"].as_str().is_some_and(says);
    is(is_whole, "not S1's {statusCode,message,error}")
}

fn is_map(reply: &Reply, fields: &[String]) -> Result<(), String> {
    let Some(map) = reply.json.as_object() else { return Err("not S3's {field:[message]}".to_owned()) };
    let is_whole = !map.is_empty() && map.values().all(|value| value.is_array() && is_message(value));
    is(is_whole, "not S3's {field:[message]}")?;
    let missing = fields.iter().find(|field| !map.contains_key(*field));
    missing.map_or(Ok(()), |field| Err(format!("nothing is said of {field}")))
}

fn is_problem(reply: &Reply, codes: &[String]) -> Result<(), String> {
    let json = &reply.json;
    let content_type = reply.headers.get("content-type").and_then(|value| value.to_str().ok());
    let is_whole = content_type == Some("application/problem+json")
        && json["status"] == reply.status
        && ["type", "title", "detail", "code"].iter().all(|name| json[name].as_str().is_some_and(says))
        && json["retryable"].is_boolean();
    is(is_whole, "not a problem of RFC 9457")?;
    let code = reply.code();
    is(codes.is_empty() || codes.iter().any(|known| known == code), &format!("the code is {code}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(line: &str, status: u16, content_type: &str, json: Value) -> Result<(), String> {
        let mut headers = hyper::HeaderMap::new();
        headers.insert("content-type", content_type.parse().unwrap());
        let reply = Reply { status, bytes: json.to_string().into(), json, index: None, headers, key: None };
        statements(line)[0].judge(&reply, &mut Words::new())
    }

    #[test]
    fn a_statement_goes_on_until_the_next_begins() {
        let table = r#"
            mia POST /reservations {"seatId":"$seat"}
                -> 201 {"id":"$reservation = digits",
                        "status":"PENDING"}
            nobody GET /seats/list/7 ~> 404|200
        "#;
        let [first, second] = &statements(table)[..] else { panic!("there are two") };
        assert_eq!((first.who.as_str(), first.path.as_str()), ("mia", "/reservations"));
        assert_eq!((first.body.as_deref(), first.due), (Some(r#"{"seatId":"$seat"}"#), Due::AtOnce));
        assert_eq!((&second.body, second.due), (&None, Due::InTheEnd));
        assert_eq!((&first.statuses[..], &second.statuses[..]), (&[201][..], &[404, 200][..]));
    }

    #[test]
    fn errors_of_another_dialect_are_refused() {
        let nest = json!({"statusCode": 404, "message": "no seat", "error": "Not Found"});
        let error = json!({"error": "no seat"});
        let map = json!({"date": ["expected yyyy-MM-dd"]});
        let problem = json!({
            "type": "urn:x", "title": "T", "status": 404, "code": "gone", "detail": "d", "retryable": false,
        });
        let plain = "application/json";
        let judge = |shape: &str, json: &Value, content_type| {
            judged(&format!("mia GET /x -> 404 {shape}"), 404, content_type, json.clone()).is_ok()
        };
        assert!(judge("nest", &nest, plain) && !judge("nest", &error, plain));
        assert!(judge("error", &error, plain) && !judge("error", &problem, plain));
        assert!(judge("map date", &map, plain) && !judge("map venue", &map, plain));
        assert!(!judge("map", &error, plain) && !judge("map", &json!({}), plain));
        let kind = "application/problem+json";
        assert!(judge("problem gone", &problem, kind) && !judge("problem late|full", &problem, kind));
        assert!(!judge("problem", &problem, plain) && !judge("problem", &nest, kind));
        assert!(
            judge("told", &nest, plain) && judge("told", &problem, kind) && !judge("told", &json!({}), plain)
        );
        assert_eq!(judged("mia GET /x -> 200", 404, plain, nest).unwrap_err(), "the status is 404");
    }
}
