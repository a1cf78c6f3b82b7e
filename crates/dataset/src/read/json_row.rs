//! One JSON object of a line: the keys that are asked for, and perhaps all others.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::bad_rows::BadField;

/// A value of an object. Texts are borrowed from the line where they have no escapes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JsonCell<'a> {
    Null,
    Flag(bool),
    Text(Cow<'a, str>),
    Whole(i128),
    Number(f64),
    /// A list of texts.
    Texts(Vec<Cow<'a, str>>),
    /// An object, or a list of other things.
    Nested,
}

impl JsonCell<'_> {
    /// What a message calls it.
    pub(crate) fn found(&self) -> String {
        match self {
            JsonCell::Null => "null".to_owned(),
            JsonCell::Flag(flag) => flag.to_string(),
            JsonCell::Text(text) => text.to_string(),
            JsonCell::Whole(number) => number.to_string(),
            JsonCell::Number(number) => number.to_string(),
            JsonCell::Texts(_) | JsonCell::Nested => "a list or an object".to_owned(),
        }
    }
}

/// The most keys of a line: more than there can be fields, few enough to look each up among them.
const KEYS_MAX: usize = 4_096;

/// The keys of one object.
pub(crate) struct JsonRow<'a> {
    /// By the order in which they were asked for.
    pub(crate) asked: Vec<JsonCell<'a>>,
    /// All others, where they were wanted.
    pub(crate) others: Vec<(Cow<'a, str>, JsonCell<'a>)>,
}

/// Reads a line as one object; keys that nobody wants are passed over.
pub(crate) fn row<'a>(
    line: &'a str,
    asked: &[&str],
    others: bool,
) -> Result<JsonRow<'a>, BadField> {
    let mut input = serde_json::Deserializer::from_str(line);
    let row = RowSeed { asked, others }.deserialize(&mut input);
    let row = row.and_then(|row| input.end().map(|()| row));
    row.map_err(|error| BadField::new("", "a line that is one JSON object", &error.to_string()))
}

struct RowSeed<'n> {
    asked: &'n [&'n str],
    others: bool,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = JsonRow<'de>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = JsonRow<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut cells: Vec<Option<JsonCell<'de>>> = vec![None; self.asked.len()];
        let mut others: Vec<(Cow<'de, str>, JsonCell<'de>)> = Vec::new();
        while let Some(key) = map.next_key_seed(TextSeed)? {
            let twice = || A::Error::custom(format!("key {key:?} is given twice"));
            if let Some(at) = self.asked.iter().position(|name| *name == key) {
                if cells[at].is_some() {
                    return Err(twice());
                }
                cells[at] = Some(map.next_value_seed(CellSeed)?);
            } else if self.others {
                if others.iter().any(|(known, _)| *known == key) {
                    return Err(twice());
                }
                if others.len() == KEYS_MAX {
                    return Err(A::Error::custom(format!("more than {KEYS_MAX} keys")));
                }
                let cell = map.next_value_seed(CellSeed)?;
                others.push((key, cell));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let asked = cells.into_iter().map(|cell| cell.unwrap_or(JsonCell::Null)).collect();
        Ok(JsonRow { asked, others })
    }
}

struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = JsonCell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed {
    type Value = JsonCell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(JsonCell::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(JsonCell::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(JsonCell::Whole(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(JsonCell::Whole(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(JsonCell::Number(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(JsonCell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(JsonCell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut texts, mut nested) = (Vec::new(), false);
        while let Some(cell) = list.next_element_seed(CellSeed)? {
            match cell {
                JsonCell::Text(text) => texts.push(text),
                JsonCell::Whole(number) => texts.push(Cow::Owned(number.to_string())),
                _ => nested = true,
            }
        }
        Ok(if nested { JsonCell::Nested } else { JsonCell::Texts(texts) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(JsonCell::Nested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_give_what_is_asked_for_and_the_rest() {
        let line = r#"{"b": [1, "x"], "a": "t\n", "n": -3, "f": 1.5, "o": {"x": []}, "z": null}"#;
        let found = row(line, &["a", "b", "absent"], true).unwrap();
        let texts = JsonCell::Texts(vec!["1".into(), "x".into()]);
        assert_eq!(found.asked, [JsonCell::Text("t\n".into()), texts, JsonCell::Null]);
        let others: Vec<(&str, JsonCell<'_>)> =
            found.others.iter().map(|(name, cell)| (name.as_ref(), cell.clone())).collect();
        let nested = ("o", JsonCell::Nested);
        let number = ("f", JsonCell::Number(1.5));
        assert_eq!(others, [("n", JsonCell::Whole(-3)), number, nested, ("z", JsonCell::Null)]);
        assert!(row(line, &["a"], false).unwrap().others.is_empty());
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for bad in ["[1]", "{", "{} {}", "{\"a\": NaN}", "{\"a\": 1, \"a\": 2}", "x", "{\"a\" 1}"] {
            assert!(row(bad, &["a"], true).is_err(), "{bad} was taken");
        }
        let many: Vec<String> = (0..5_000).map(|at| format!("\"k{at}\": 1")).collect();
        let many = format!("{{{}}}", many.join(", "));
        let error = row(&many, &["a"], true).err().expect("too many");
        assert!(error.found.contains("more than 4096 keys"), "{error:?}");
        assert!(row(&many, &["a"], false).is_ok());
        let deep = format!("{{\"a\": {}", "[".repeat(100_000));
        assert!(row(&deep, &["a"], true).is_err());
        assert!(row(&deep, &[], false).is_err());
    }
}
