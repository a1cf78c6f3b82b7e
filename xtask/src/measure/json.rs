//! A path into a JSON document: `channels[name=popular].recall[k=20].value`.
//!
//! Steps are keys; `[key=value]` picks the element of an array whose key has that value, so that
//! a measurement does not depend on the order of channels; `[]` takes every element.

use serde_json::Value;

/// The single number at `path`. Errors name the step that led nowhere.
pub(crate) fn number(document: &Value, path: &str) -> Result<f64, String> {
    let mut at = document;
    for step in path.split('.') {
        at = take(at, step).ok_or_else(|| format!("no {step:?} of {path:?} in the output"))?;
    }
    at.as_f64().ok_or_else(|| format!("{path:?} is {at}, not a number"))
}

/// For a path `array[].rest`: each element's `name` with the number at `rest`.
pub(crate) fn numbers(document: &Value, path: &str) -> Result<Vec<(String, f64)>, String> {
    let (array, rest) =
        path.split_once("[].").ok_or_else(|| format!("{path:?} has no part \"[].\""))?;
    let mut found = Vec::new();
    for element in elements(document, array)? {
        let name = element["name"].as_str().ok_or_else(|| format!("no name in {array:?}"))?;
        found.push((name.to_owned(), number(element, rest)?));
    }
    Ok(found)
}

/// The least number at `value` over the elements of `array` in which the key of `only` has its
/// value.
pub(crate) fn least(
    document: &Value,
    array: &str,
    only: (&str, f64),
    value: &str,
) -> Result<f64, String> {
    let (key, wanted) = only;
    let mut found: Option<f64> = None;
    for element in elements(document, array)? {
        if element[key].as_f64() == Some(wanted) {
            let value = number(element, value)?;
            found = Some(found.map_or(value, |least| least.min(value)));
        }
    }
    found.ok_or_else(|| format!("no element of {array:?} with {key} = {wanted}"))
}

fn elements<'a>(document: &'a Value, path: &str) -> Result<&'a Vec<Value>, String> {
    let mut at = document;
    for step in path.split('.') {
        at = take(at, step).ok_or_else(|| format!("no {step:?} of {path:?} in the output"))?;
    }
    at.as_array().ok_or_else(|| format!("{path:?} is not an array"))
}

fn take<'a>(at: &'a Value, step: &str) -> Option<&'a Value> {
    let Some((key, condition)) = step.split_once('[') else {
        return at.get(step);
    };
    let (field, wanted) = condition.strip_suffix(']')?.split_once('=')?;
    let elements = at.get(key)?.as_array()?;
    elements.iter().find(|element| match &element[field] {
        Value::String(text) => text == wanted,
        other => other.as_f64().is_some_and(|number| wanted.parse() == Ok(number)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_finds_its_number_whatever_the_order() {
        let document = json!({"channels": [
            {"name": "item_cf", "recall": [{"k": 10, "value": 0.1}, {"k": 20, "value": 0.2}]},
            {"name": "popular", "recall": [{"k": 20, "value": 0.3}]},
        ]});
        let path = "channels[name=popular].recall[k=20].value";
        assert_eq!(number(&document, path), Ok(0.3));
        let all = numbers(&document, "channels[].recall[k=20].value").unwrap();
        assert_eq!(all, [("item_cf".to_owned(), 0.2), ("popular".to_owned(), 0.3)]);
    }

    #[test]
    fn the_least_of_the_chosen_elements_is_found() {
        let document = json!({"comparisons": [
            {"k": 100, "recall": {"low": 0.02}},
            {"k": 100, "recall": {"low": -0.01}},
            {"k": 500, "recall": {"low": -0.5}},
        ]});
        assert_eq!(least(&document, "comparisons", ("k", 100.0), "recall.low"), Ok(-0.01));
        assert!(least(&document, "comparisons", ("k", 20.0), "recall.low").is_err());
        assert!(least(&document, "elsewhere", ("k", 20.0), "recall.low").is_err());
    }

    #[test]
    fn a_path_that_leads_nowhere_says_where_it_ends() {
        let document = json!({"channels": [{"name": "popular", "p99_us": "fast"}]});
        let why = number(&document, "channels[name=recent].p99_us").unwrap_err();
        assert!(why.contains("channels[name=recent]"), "{why}");
        assert!(number(&document, "channels[name=popular].p99_us").is_err());
        assert!(numbers(&document, "channels[].p50_us").is_err());
    }
}
