//! Whether a value fits a schema: as much of JSON Schema as the description uses.

use serde_json::Value;

/// Shows every example of an operation, with its place and its schema.
pub(super) fn examples(document: &Value, show: &mut impl FnMut(&str, &Value, &Value)) {
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let place = format!("{method} {path}");
            contents(document, &format!("{place} body"), &operation["requestBody"]["content"], show);
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = resolved(document, response);
                contents(document, &format!("{place} {status}"), &response["content"], show);
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let parameter = resolved(document, parameter);
                if let Some(example) = parameter.get("example") {
                    show(&format!("{place} {}", parameter["name"]), example, &parameter["schema"]);
                }
            }
        }
    }
}

fn contents(document: &Value, place: &str, contents: &Value, show: &mut impl FnMut(&str, &Value, &Value)) {
    for content in contents.as_object().into_iter().flat_map(|contents| contents.values()) {
        if let Some(example) = content.get("example") {
            show(place, example, &content["schema"]);
        }
        for example in content["examples"].as_object().into_iter().flat_map(|examples| examples.values()) {
            show(place, &resolved(document, example)["value"], &content["schema"]);
        }
    }
}

/// What a reference refers to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
    let found = document.pointer(reference.strip_prefix('#').unwrap());
    found.unwrap_or_else(|| panic!("{reference} refers to nothing"))
}

pub(super) fn fits(document: &Value, value: &Value, schema: &Value) -> Result<(), String> {
    let schema = resolved(document, schema);
    let wrong = |says: &str| Err(format!("{value} {says} {schema}"));
    let one = std::slice::from_ref(&schema["type"]);
    let types = schema["type"].as_array().map_or(one, Vec::as_slice);
    if schema.get("type").is_some() && !types.iter().any(|name| is_of(value, name)) {
        return wrong("is of another type than");
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return wrong("is no word of");
    }
    let within = |key: &str, is_so: fn(f64, f64) -> bool| match (schema[key].as_f64(), value.as_f64()) {
        (Some(bound), Some(number)) => is_so(number, bound),
        _ => true,
    };
    if !within("minimum", |number, bound| number >= bound)
        || !within("maximum", |number, bound| number <= bound)
    {
        return wrong("is out of the range of");
    }
    schema["allOf"].as_array().into_iter().flatten().try_for_each(|part| fits(document, value, part))?;
    if let Some(choices) = schema["oneOf"].as_array()
        && choices.iter().filter(|choice| fits(document, value, choice).is_ok()).count() != 1
    {
        return wrong("does not fit one of");
    }
    if let Some(choices) = schema["anyOf"].as_array()
        && choices.iter().all(|choice| fits(document, value, choice).is_err())
    {
        return wrong("fits none of");
    }
    if schema.get("not").is_some_and(|not| fits(document, value, not).is_ok()) {
        return wrong("fits what it must not of");
    }
    for item in value.as_array().into_iter().flatten() {
        fits(document, item, &schema["items"])?;
    }
    let Some(members) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            return wrong(&format!("lacks {name} of"));
        }
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(property) => fits(document, member, property)?,
            None if schema["additionalProperties"] == false => return wrong(&format!("has {name}, unlike")),
            None => fits(document, member, &schema["additionalProperties"])?,
        }
    }
    Ok(())
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type is called {other}"),
    }
}
