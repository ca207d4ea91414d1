//! Answers of a call: each success with its headers and an example, each status of a problem with its codes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::codes::Code;
use super::schemas::{Components, Shape, named};
use super::style::{Seed, Style, is_told_in_common, is_told_in_common_only};
use crate::problem::Problem;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// A status with more codes is described where it stands.
const CODES_OF_SHARED_MAX: usize = 4;

/// An answer of a call that did what was asked.
pub(super) struct Success {
    pub(super) status: u16,
    about: &'static str,
    content: Vec<Content>,
    headers: Vec<&'static str>,
}

struct Content {
    media_type: &'static str,
    shape: Shape,
    example: Option<Value>,
}

/// An answer in JSON.
pub(super) fn answer(status: u16, about: &'static str, shape: Shape, example: Value) -> Success {
    let content = vec![Content { media_type: JSON, shape, example: Some(example) }];
    Success { status, about, content, headers: Vec::new() }
}

/// What was read, with its age.
pub(super) fn read(about: &'static str, shape: Shape, example: Value) -> Success {
    answer(200, about, shape, example).with("Holdfast-Age-Ms")
}

/// An answer that is no JSON: an image, a page.
pub(super) fn file(about: &'static str, media_types: &[&'static str]) -> Success {
    let bytes: Shape = |_| json!({});
    let content = |media_type: &&'static str| Content { media_type, shape: bytes, example: None };
    Success { status: 200, about, content: media_types.iter().map(content).collect(), headers: Vec::new() }
}

/// A stream of server-sent events.
pub(super) fn stream(about: &'static str, shape: Shape, example: &str) -> Success {
    let content = vec![Content { media_type: "text/event-stream", shape, example: Some(json!(example)) }];
    Success { status: 200, about, content, headers: Vec::new() }
}

impl Success {
    /// Or the same in another form.
    pub(super) fn or(mut self, media_type: &'static str) -> Self {
        let shape: Shape = |_| json!({"type": "string"});
        self.content.push(Content { media_type, shape, example: None });
        self
    }

    /// It has this header too.
    pub(super) fn with(mut self, header: &'static str) -> Self {
        self.headers.push(header);
        self
    }

    pub(super) fn to_json(&self, components: &mut Components) -> Value {
        let mut contents = Map::new();
        for Content { media_type, shape, example } in &self.content {
            let mut content = json!({"schema": shape(components)});
            if let Some(example) = example {
                content["example"] = example.clone();
            }
            contents.insert((*media_type).to_owned(), content);
        }
        json!({"description": self.about, "headers": headers(&self.headers), "content": contents})
    }
}

/// Answers that say why nothing was done, by status.
pub(super) fn problems(codes: &[Code], style: &Style, components: &mut Components) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status).or_default().push(*code);
    }
    let mut responses = Map::new();
    for (status, mut codes) in by_status {
        codes.sort_unstable();
        codes.dedup();
        responses.insert(status.to_string(), problem(status, &codes, style, components));
    }
    responses
}

/// Described once if it is short, since the same few come with most calls.
fn problem(status: u16, codes: &[Code], style: &Style, components: &mut Components) -> Value {
    let described = described(status, codes, style, components);
    if codes.len() > CODES_OF_SHARED_MAX {
        return described;
    }
    let name = format!("{}{status}.{}", style.prefix(), words(codes).join("."));
    let reference = json!({"$ref": format!("#/components/responses/{name}")});
    components.responses.insert(name, described);
    reference
}

fn described(status: u16, codes: &[Code], style: &Style, components: &mut Components) -> Value {
    let mut contents = Map::new();
    match style {
        Style::Problem => {
            contents.insert(PROBLEM.to_owned(), content_of_problem(codes, components));
        }
        Style::Seed(seed) => {
            let some = |is_so: &dyn Fn(Code) -> bool| -> Vec<Code> {
                codes.iter().copied().filter(|code| is_so(*code)).collect()
            };
            let (own, common) = (some(&|code| !is_told_in_common_only(code)), some(&is_told_in_common));
            if !own.is_empty() {
                contents.insert(JSON.to_owned(), content_of_seed(&own, seed));
            }
            if !common.is_empty() {
                contents.insert(PROBLEM.to_owned(), content_of_problem(&common, components));
            }
        }
    }
    let lines: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.code, code.means)).collect();
    let more: &[&str] = match status {
        401 => &["WWW-Authenticate"],
        429 | 503 => &["Retry-After"],
        _ => &[],
    };
    json!({"description": lines.join("\n\n"), "headers": headers(more), "content": contents})
}

fn content_of_seed(codes: &[Code], seed: &Seed) -> Value {
    let examples = codes.iter().map(|code| (code.code.to_owned(), json!({"value": (seed.example)(*code)})));
    json!({"schema": (seed.schema)(codes), "examples": examples.collect::<Map<_, _>>()})
}

fn content_of_problem(codes: &[Code], components: &mut Components) -> Value {
    let mut examples = Map::new();
    for code in codes {
        let name = format!("{}.{}", code.status, code.code);
        examples.insert(code.code.to_owned(), json!({"$ref": format!("#/components/examples/{name}")}));
        components
            .examples
            .insert(name, json!({"summary": code.means, "value": code.to_problem().to_json()}));
    }
    let of_these = json!({"properties": {"code": code_in(codes)}});
    json!({"schema": {"allOf": [named("Problem"), of_these]}, "examples": examples})
}

/// The schema of a member that is one of these codes.
pub(super) fn code_in(codes: &[Code]) -> Value {
    json!({"type": "string", "enum": words(codes)})
}

fn words(codes: &[Code]) -> Vec<&'static str> {
    codes.iter().map(|code| code.code).collect()
}

impl Code {
    pub(super) fn to_problem(self) -> Problem {
        Problem::new(self.status, self.code, self.means)
    }
}

/// The headers that every answer has, and these.
fn headers(more: &[&str]) -> Map<String, Value> {
    let every = ["Holdfast-Index", "Holdfast-Request-Id"];
    let all = every.iter().chain(more);
    all.map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}))).collect()
}
