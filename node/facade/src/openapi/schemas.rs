//! Schemas of bodies, and the components that they refer to.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// What is described once and referred to by name.
#[derive(Default)]
pub(super) struct Components {
    pub(super) schemas: BTreeMap<String, Value>,
    pub(super) responses: BTreeMap<String, Value>,
    pub(super) examples: BTreeMap<String, Value>,
}

/// Gives a schema; what it refers to is put among the components.
pub(super) type Shape = fn(&mut Components) -> Value;

/// The schema of one of our types.
pub(super) fn of<T: ToSchema>(components: &mut Components) -> Value {
    let name = T::name().into_owned();
    if !components.schemas.contains_key(&name) {
        let mut used = vec![(name.clone(), T::schema())];
        T::schemas(&mut used);
        components.schemas.extend(used.into_iter().map(|(name, schema)| (name, written(&schema))));
    }
    named(&name)
}

/// A list of one of our types.
pub(super) fn list_of<T: ToSchema>(components: &mut Components) -> Value {
    list(of::<T>(components))
}

/// A page of a list, as every list of `/v1` is.
pub(super) fn page_of<T: ToSchema>(components: &mut Components) -> Value {
    let next = json!({"type": ["integer", "null"], "format": "int64", "description": "Where the next page begins, for `after`."});
    object(&[("items", list_of::<T>(components)), ("next", next)])
}

/// One of our types, or a list of it.
pub(super) fn one_or_many<T: ToSchema>(components: &mut Components) -> Value {
    let one = of::<T>(components);
    json!({"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]})
}

/// Adds to a type that exactly one of these members is there, and of its type.
pub(super) fn exactly_one(name: &str, members: &[(&str, &str)], components: &mut Components) {
    let one = |(member, of_type): &(&str, &str)| json!({"required": [member], "properties": {*member: {"type": of_type}}});
    if let Some(schema) = components.schemas.get_mut(name) {
        schema["oneOf"] = members.iter().map(one).collect();
    }
}

/// A schema by its name.
pub(super) fn named(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

pub(super) fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// An object that has all these members.
pub(super) fn object(members: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties: BTreeMap<&str, &Value> = members.iter().map(|(name, schema)| (*name, schema)).collect();
    json!({"type": "object", "properties": properties, "required": names})
}

pub(super) fn text() -> Value {
    json!({"type": "string"})
}

pub(super) fn flag() -> Value {
    json!({"type": "boolean"})
}

pub(super) fn number() -> Value {
    json!({"type": "integer", "format": "int64", "minimum": 0})
}

pub(super) fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// An id that is written as a string.
pub(super) fn digits() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{1,19}$"})
}

/// One of these words.
pub(super) fn word(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn written(schema: &RefOr<Schema>) -> Value {
    // A schema is made of texts and numbers: it can be written.
    serde_json::to_value(schema).unwrap_or_default()
}
