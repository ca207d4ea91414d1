//! One call of the API: who may make it, what it takes, and everything it may answer.

use holdfast_reservations::Role;
use serde_json::{Map, Value, json};

use super::answers::{Success, problems};
use super::codes::{self, Code};
use super::parameters;
use super::schemas::{Components, Shape};
use super::style::Style;
use crate::access::{self, Endpoint};

const ROLES: [(Role, &str); 4] =
    [(Role::Guest, "guests"), (Role::Staff, "staff"), (Role::App, "apps"), (Role::Operator, "operators")];

/// A call of the API.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) caller: Caller,
    summary: &'static str,
    about: Vec<String>,
    parameters: Vec<Value>,
    body: Option<Body>,
    successes: Vec<Success>,
    codes: Vec<Code>,
}

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Anybody,
    /// Somebody who is signed in.
    SignedIn(Endpoint),
    /// Somebody who is signed in, or who says who he is and is believed.
    Declared,
}

struct Body {
    shape: Shape,
    example: Value,
    is_required: bool,
}

pub(super) fn get(path: &'static str, summary: &'static str) -> Operation {
    Operation::call("get", path, summary)
}

pub(super) fn post(path: &'static str, summary: &'static str) -> Operation {
    Operation::call("post", path, summary)
}

pub(super) fn put(path: &'static str, summary: &'static str) -> Operation {
    Operation::call("put", path, summary)
}

pub(super) fn patch(path: &'static str, summary: &'static str) -> Operation {
    Operation::call("patch", path, summary)
}

pub(super) fn delete(path: &'static str, summary: &'static str) -> Operation {
    Operation::call("delete", path, summary)
}

/// A `GET` that looks at nothing but its path.
pub(super) fn plain(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("get", path, summary).refuses(codes::OF_HEADS)
}

impl Operation {
    fn new(method: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            caller: Caller::Anybody,
            summary,
            about: Vec::new(),
            parameters: Vec::new(),
            body: None,
            successes: Vec::new(),
            codes: Vec::new(),
        }
    }

    fn call(method: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(method, path, summary).refuses(codes::OF_CALLS).with(parameters::timeout())
    }

    /// More than the summary says.
    pub(super) fn about(mut self, text: &str) -> Self {
        self.about.push(text.to_owned());
        self
    }

    /// Who calls must be signed in, in a role that the table of roles lets in.
    pub(super) fn by(mut self, endpoint: Endpoint) -> Self {
        self.caller = Caller::SignedIn(endpoint);
        let let_in = ROLES.iter().filter(|(role, _)| access::allows(endpoint, *role));
        let let_in: Vec<&str> = let_in.map(|(_, name)| *name).collect();
        if let_in.len() == ROLES.len() {
            return self.about("For whoever is signed in.").refuses(codes::OF_CALLERS);
        }
        let about = format!("For {}.", let_in.join(" and "));
        self.about(&about).refuses(codes::OF_CALLERS).refuses(&[codes::FORBIDDEN])
    }

    /// Who calls is signed in, or says who he is.
    pub(super) fn by_token_or_word(mut self) -> Self {
        self.caller = Caller::Declared;
        self.refuses(codes::OF_CALLERS).refuses(codes::OF_WORDS)
    }

    /// It reads, as current as the caller asks.
    pub(super) fn reads(self) -> Self {
        let [consistency, max_staleness] = parameters::freshness();
        self.with(consistency).with(max_staleness).refuses(codes::OF_READS)
    }

    /// It changes something, once under one key.
    pub(super) fn keyed(self) -> Self {
        self.with(parameters::key()).refuses(codes::OF_COMMANDS)
    }

    /// It changes one version of a booking.
    pub(super) fn versioned(self) -> Self {
        self.with(parameters::if_match()).refuses(&[codes::VERSION])
    }

    /// It lists, page by page.
    pub(super) fn paged(self) -> Self {
        let [limit, after] = parameters::page();
        self.with(limit).with(after).refuses(&[codes::INVALID])
    }

    pub(super) fn with(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A body that must be there.
    pub(super) fn body(self, shape: Shape, example: Value) -> Self {
        self.takes(Body { shape, example, is_required: true })
    }

    /// A body that may be left out.
    pub(super) fn body_if_any(self, shape: Shape, example: Value) -> Self {
        self.takes(Body { shape, example, is_required: false })
    }

    fn takes(mut self, body: Body) -> Self {
        self.body = Some(body);
        self.refuses(&[codes::UNSUPPORTED_MEDIA_TYPE])
    }

    /// What it answers if all is well.
    pub(super) fn answers(mut self, success: Success) -> Self {
        self.successes.push(success);
        self
    }

    /// What else it may come to.
    pub(super) fn refuses(mut self, codes: &[Code]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// The operation object (OpenAPI 3.1).
    pub(super) fn to_json(&self, tag: &str, style: &Style, components: &mut Components) -> Value {
        let mut operation = json!({
            "tags": [tag],
            "operationId": self.id(),
            "summary": self.summary,
            "responses": self.responses(style, components),
        });
        if !self.about.is_empty() {
            operation["description"] = json!(self.about.join(" "));
        }
        if !self.parameters.is_empty() {
            operation["parameters"] = json!(self.parameters);
        }
        if let Some(Body { shape, example, is_required }) = &self.body {
            let content = json!({"schema": shape(components), "example": example});
            operation["requestBody"] =
                json!({"required": is_required, "content": {"application/json": content}});
        }
        match self.caller {
            Caller::Anybody => (),
            Caller::SignedIn(_) => operation["security"] = json!([{"bearer": []}]),
            Caller::Declared => operation["security"] = json!([{"bearer": []}, {}]),
        }
        operation
    }

    fn responses(&self, style: &Style, components: &mut Components) -> Map<String, Value> {
        let mut responses = problems(&self.codes, style, components);
        let successes = self.successes.iter();
        responses.extend(successes.map(|success| (success.status.to_string(), success.to_json(components))));
        responses
    }

    /// For programs that are made from the description: `postV1BookingsByIdCancel`.
    fn id(&self) -> String {
        let words = self.path.split(|letter: char| !letter.is_alphanumeric() && letter != '{');
        let words = words.filter(|word| !word.is_empty()).map(|word| match word.strip_prefix('{') {
            Some(variable) => format!("By{}", capitalized(variable)),
            None => capitalized(word),
        });
        format!("{}{}", self.method, words.collect::<String>())
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
