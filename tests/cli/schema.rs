//! JSON Schema as far as `docs/schemas` uses it. A keyword that is not known here is a mistake of the schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// A file with a schema: the whole, and its definitions by name.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Document(Keywords);

#[derive(Deserialize)]
#[serde(untagged)]
enum Schema {
    Anything(bool),
    Keywords(Box<Keywords>),
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Keywords {
    #[serde(rename = "$schema")]
    _dialect: Option<Dialect>,
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "description")]
    _description: String,
    #[serde(rename = "$defs")]
    definitions: BTreeMap<String, Schema>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "type")]
    types: Option<Types>,
    #[serde(rename = "enum")]
    choices: Option<Vec<Value>>,
    #[serde(rename = "const", deserialize_with = "even_null")]
    constant: Option<Value>,
    minimum: Option<f64>,
    pattern: Option<Pattern>,
    min_items: usize,
    max_items: Option<usize>,
    prefix_items: Vec<Schema>,
    items: Option<Schema>,
    min_properties: usize,
    max_properties: Option<usize>,
    required: Vec<String>,
    properties: BTreeMap<String, Schema>,
    additional_properties: Option<Schema>,
    property_names: Option<Schema>,
    any_of: Option<Vec<Schema>>,
    one_of: Option<Vec<Schema>>,
}

#[derive(Deserialize)]
enum Dialect {
    #[serde(rename = "https://json-schema.org/draft/2020-12/schema")]
    Draft202012,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Types {
    One(Type),
    Several(Vec<Type>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// The patterns that there are: regular expressions would be a dependency more.
#[derive(Deserialize)]
enum Pattern {
    #[serde(rename = "^[0-9a-f]{16}$")]
    Digest,
    #[serde(rename = "^([0-9a-f]{2})*$")]
    Bytes,
}

/// A constant may be `null`, and is a constant then.
fn even_null<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(source).map(Some)
}

impl Document {
    /// Reads a schema, or says why it is none.
    pub(crate) fn read(schema: &Value) -> Result<Self, String> {
        let document: Self = serde_json::from_value(schema.clone()).map_err(|error| error.to_string())?;
        match references(schema).into_iter().find(|reference| document.definition(reference).is_none()) {
            Some(reference) => Err(format!("{reference} leads nowhere")),
            None => Ok(document),
        }
    }

    /// What is wrong with a value, each with the place where it is.
    pub(crate) fn complaints(&self, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.judge_by(&self.0, "", value, &mut wrong);
        wrong
    }

    fn definition(&self, reference: &str) -> Option<&Schema> {
        self.0.definitions.get(reference.strip_prefix("#/$defs/")?)
    }

    fn judge(&self, schema: &Schema, at: &str, value: &Value, wrong: &mut Vec<String>) {
        match schema {
            Schema::Anything(true) => {}
            Schema::Anything(false) => wrong.push(format!("{at}: nothing is allowed here")),
            Schema::Keywords(keywords) => self.judge_by(keywords, at, value, wrong),
        }
    }

    fn judge_by(&self, keywords: &Keywords, at: &str, value: &Value, wrong: &mut Vec<String>) {
        wrong.extend(keywords.mistake(value).map(|what| format!("{at}: {what}")));
        if let Some(reference) = &keywords.reference {
            self.judge(self.definition(reference).expect("references were followed when it was read"), at, value, wrong);
        }
        let fitting = |schemas: &[Schema]| schemas.iter().filter(|schema| self.fits(schema, value)).count();
        if keywords.any_of.as_ref().is_some_and(|schemas| fitting(schemas) == 0) {
            wrong.push(format!("{at}: fits none"));
        }
        if let Some(count) = keywords.one_of.as_ref().map(|schemas| fitting(schemas)).filter(|count| *count != 1) {
            wrong.push(format!("{at}: fits {count}, not one"));
        }
        match value {
            Value::Array(items) => self.judge_items(keywords, at, items, wrong),
            Value::Object(fields) => self.judge_fields(keywords, at, fields, wrong),
            _ => {}
        }
    }

    fn fits(&self, schema: &Schema, value: &Value) -> bool {
        let mut wrong = Vec::new();
        self.judge(schema, "", value, &mut wrong);
        wrong.is_empty()
    }

    fn judge_items(&self, keywords: &Keywords, at: &str, items: &[Value], wrong: &mut Vec<String>) {
        for (place, item) in items.iter().enumerate() {
            if let Some(schema) = keywords.prefix_items.get(place).or(keywords.items.as_ref()) {
                self.judge(schema, &format!("{at}/{place}"), item, wrong);
            }
        }
    }

    fn judge_fields(&self, keywords: &Keywords, at: &str, fields: &Map<String, Value>, wrong: &mut Vec<String>) {
        let missing = keywords.required.iter().filter(|name| !fields.contains_key(*name));
        wrong.extend(missing.map(|name| format!("{at}: {name} is missing")));
        for (name, value) in fields {
            let at = format!("{at}/{name}");
            if let Some(schema) = keywords.properties.get(name).or(keywords.additional_properties.as_ref()) {
                self.judge(schema, &at, value, wrong);
            }
            if let Some(schema) = &keywords.property_names {
                self.judge(schema, &at, &Value::from(name.as_str()), wrong);
            }
        }
    }
}

impl Keywords {
    /// What is wrong with the value itself, whatever is in it.
    fn mistake(&self, value: &Value) -> Option<&'static str> {
        let within = |count: usize, least: usize, most: Option<usize>| least <= count && most.is_none_or(|most| count <= most);
        let rules = [
            (self.types.as_ref().is_none_or(|types| types.include(value)), "of another type"),
            (self.choices.as_ref().is_none_or(|choices| choices.contains(value)), "none of the choices"),
            (self.constant.as_ref().is_none_or(|constant| constant == value), "not the constant"),
            (self.minimum.zip(value.as_f64()).is_none_or(|(minimum, number)| minimum <= number), "below the minimum"),
            (self.pattern.as_ref().zip(value.as_str()).is_none_or(|(pattern, text)| pattern.matches(text)), "not of the pattern"),
            (value.as_array().is_none_or(|items| within(items.len(), self.min_items, self.max_items)), "too few or too many"),
            (value.as_object().is_none_or(|fields| within(fields.len(), self.min_properties, self.max_properties)), "too few or too many"),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map(|(_, what)| what)
    }
}

impl Types {
    fn include(&self, value: &Value) -> bool {
        match self {
            Self::One(one) => one.includes(value),
            Self::Several(several) => several.iter().any(|one| one.includes(value)),
        }
    }
}

impl Type {
    fn includes(&self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        let hexadecimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        hexadecimal
            && match self {
                Self::Digest => text.len() == 16,
                Self::Bytes => text.len().is_multiple_of(2),
            }
    }
}

/// All references below.
fn references(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Object(fields) => {
            let below = fields.values().flat_map(references);
            fields.get("$ref").and_then(Value::as_str).into_iter().chain(below).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Each keyword, with values that it lets pass and values that it does not.
#[test]
fn each_keyword_is_held() {
    for (schema, fine, wrong) in [
        (json!({ "type": "integer", "minimum": 0 }), json!([0, 7, 2.0]), json!([-1, 1.5, "1", null])),
        (json!({ "type": ["number", "null"] }), json!([0, -1.5, null]), json!(["1", true, [], {}])),
        (json!({ "type": "boolean" }), json!([true, false]), json!([0, "true"])),
        (json!({ "type": "array" }), json!([[], [1]]), json!([{}, "x"])),
        (json!({ "minimum": 1 }), json!([1, "x"]), json!([0])),
        (json!({ "enum": ["a", 1] }), json!(["a", 1]), json!(["b", "1", null])),
        (json!({ "const": null }), json!([null]), json!([0, false])),
        (json!({ "pattern": "^[0-9a-f]{16}$" }), json!(["0123456789abcdef", 1]), json!(["0123456789abcde", "0123456789abcdeF"])),
        (json!({ "pattern": "^([0-9a-f]{2})*$" }), json!(["", "0a"]), json!(["0", "0g"])),
        (json!({ "items": { "type": "null" }, "minItems": 1, "maxItems": 2 }), json!([[null], 1]), json!([[], [null, null, null], [1]])),
        (json!({ "prefixItems": [true, false], "items": { "const": 1 } }), json!([[], [0]]), json!([[0, 0]])),
        (json!({ "prefixItems": [true], "items": { "const": 1 } }), json!([[0], [0, 1]]), json!([[0, 0]])),
        (json!({ "minProperties": 1, "maxProperties": 1 }), json!([{ "a": 1 }]), json!([{}, { "a": 1, "b": 1 }])),
        (json!({ "propertyNames": { "enum": ["a"] } }), json!([{}, { "a": 1 }]), json!([{ "b": 1 }])),
        (
            json!({ "properties": { "a": { "const": 1 } }, "required": ["a"], "additionalProperties": false }),
            json!([{ "a": 1 }, 1]),
            json!([{}, { "a": 2 }, { "a": 1, "b": 1 }]),
        ),
        (json!({ "anyOf": [{ "minimum": 1 }, { "const": 0 }] }), json!([0, 1, "x"]), json!([-1])),
        (json!({ "oneOf": [{ "minimum": 1 }, { "enum": [0, 3] }] }), json!([0, 1]), json!([-1, 3])),
        (json!({ "$ref": "#/$defs/a", "$defs": { "a": { "const": 1 } } }), json!([1]), json!([0])),
    ] {
        let document = Document::read(&schema).expect("a schema");
        let complaints = |values: &Value| -> Vec<usize> {
            let values = values.as_array().expect("a list");
            values.iter().map(|value| document.complaints(value).len()).collect()
        };
        assert!(complaints(&fine).iter().all(|count| *count == 0), "{schema} refuses one of {fine}");
        assert!(complaints(&wrong).iter().all(|count| *count > 0), "{schema} lets one of {wrong} pass");
    }
    for none in [
        json!({ "minLength": 1 }),
        json!({ "type": "text" }),
        json!({ "pattern": "x" }),
        json!({ "required": "a" }),
        json!({ "properties": { "a": { "minimum": "1" } } }),
        json!({ "$ref": "#/$defs/a", "$defs": {} }),
        json!({ "$schema": "https://json-schema.org/draft-07/schema" }),
    ] {
        assert!(Document::read(&none).is_err(), "{none}");
    }
}
