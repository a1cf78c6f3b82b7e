//! Single fields of a row: text to ids, values, times and tags, or the reason why not.

use gannet_core::{EventKinds, ItemId, KindIndex, TagPath, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::bad_rows::BadField;

/// What a file's times count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Seconds since 1970-01-01 UTC; fractions are kept to the millisecond.
    #[default]
    Seconds,
    /// Milliseconds since 1970-01-01 UTC.
    Milliseconds,
    /// A date and time as of ISO 8601, such as `2024-05-01T12:00:00Z`; without an offset, UTC.
    Iso8601,
}

/// A field's bytes as text. U+FFFD is refused too: it is what a wrong encoding left behind.
pub(crate) fn text<'a>(field: &str, bytes: &'a [u8]) -> Result<&'a str, BadField> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\u{fffd}') => Ok(text),
        _ => {
            let found = String::from_utf8_lossy(bytes);
            Err(BadField::new(field, "text in the file's encoding", &found))
        }
    }
}

/// A finite number; what overflows an f32 is refused, and -0 becomes 0.
pub(crate) fn value(field: &str, text: &str) -> Result<f32, BadField> {
    match text.trim().parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value + 0.0),
        _ => Err(BadField::new(field, "a finite number", text)),
    }
}

/// A moment; may lie before 1970 (a film's release).
pub(crate) fn moment(field: &str, text: &str, unit: TimeUnit) -> Result<Timestamp, BadField> {
    let text = text.trim();
    let bad = |expected: &str| Err(BadField::new(field, expected, text));
    match unit {
        TimeUnit::Seconds => match number_scaled(text, 1000) {
            Some(milliseconds) => Ok(Timestamp(milliseconds)),
            None => bad("seconds since 1970"),
        },
        TimeUnit::Milliseconds => match number_scaled(text, 1) {
            Some(milliseconds) => Ok(Timestamp(milliseconds)),
            None => bad("milliseconds since 1970"),
        },
        TimeUnit::Iso8601 => match iso8601(text) {
            Some(time) => Ok(time),
            None => bad("a date and time such as 2024-05-01T12:00:00Z"),
        },
    }
}

/// The time of an event: not before 1970 and not after `now`, because an event from the future
/// would be the freshest of all for ever.
pub(crate) fn event_time(
    field: &str,
    text: &str,
    unit: TimeUnit,
    now: Timestamp,
) -> Result<Timestamp, BadField> {
    event_moment(field, moment(field, text, unit)?, text, now)
}

/// A moment as the time of an event, under the rule of [`event_time`].
pub(crate) fn event_moment(
    field: &str,
    time: Timestamp,
    found: &str,
    now: Timestamp,
) -> Result<Timestamp, BadField> {
    if time.0 < 0 {
        return Err(BadField::new(field, "a time after 1970", found));
    }
    if time > now {
        return Err(BadField::new(field, "a time that is not in the future", found));
    }
    Ok(time)
}

/// A kind of event by its name.
pub(crate) fn kind(field: &str, name: &str, kinds: &EventKinds) -> Result<KindIndex, BadField> {
    kinds.index(name).ok_or_else(|| {
        let known: Vec<&str> = kinds.all().iter().map(|kind| kind.name.as_str()).collect();
        BadField::new(field, format!("one of {}", known.join(", ")), name)
    })
}

/// The first moment of a year.
pub(crate) fn year(field: &str, text: &str) -> Result<Timestamp, BadField> {
    let bad = || BadField::new(field, "a year from 1 to 9999", text);
    let number = text.trim().parse::<f64>().map_err(|_| bad())?;
    if number.fract() != 0.0 || !(1.0..=9999.0).contains(&number) {
        return Err(bad());
    }
    start_of_year(number as i16).ok_or_else(bad)
}

/// The first moment of a year, UTC.
pub(crate) fn start_of_year(year: i16) -> Option<Timestamp> {
    let midnight = Date::new(year, 1, 1).ok()?.at(0, 0, 0, 0);
    Some(Timestamp(TimeZone::UTC.to_timestamp(midnight).ok()?.as_millisecond()))
}

/// An item's id.
pub(crate) fn item_id(field: &str, text: &str) -> Result<ItemId, BadField> {
    ItemId::new(text).map_err(|_| BadField::new(field, ID_EXPECTED, text))
}

/// Checks a user's or item's id without keeping it.
pub(crate) fn check_id(field: &str, text: &str) -> Result<(), BadField> {
    match (1..=256).contains(&text.len()) {
        true => Ok(()),
        false => Err(BadField::new(field, ID_EXPECTED, text)),
    }
}

/// One tag.
pub(crate) fn tag(field: &str, text: &str) -> Result<TagPath, BadField> {
    TagPath::new(text).map_err(|error| {
        BadField::new(field, "tags whose levels between '/' are not empty", &error.0)
    })
}

/// The pieces of a text between separators, blank ones passed over.
pub(crate) fn pieces<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    text.split(separator).map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

const ID_EXPECTED: &str = "an id of 1 to 256 bytes";

/// Tags between separators; empty ones (`a||b`) are passed over, doubles dropped.
pub(crate) fn tags(field: &str, text: &str, separator: &str) -> Result<Vec<TagPath>, BadField> {
    let mut tags: Vec<TagPath> = Vec::new();
    for tag in pieces(text, separator) {
        let path = self::tag(field, tag)?;
        if !tags.contains(&path) {
            tags.push(path);
        }
    }
    Ok(tags)
}

/// Whether an item may be shown.
pub(crate) fn available(field: &str, text: &str) -> Result<bool, BadField> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(BadField::new(field, "true or false (or yes, no, 1, 0)", text)),
    }
}

fn number_scaled(text: &str, scale: i64) -> Option<i64> {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.checked_mul(scale);
    }
    let scaled = (text.parse::<f64>().ok()? * scale as f64).round();
    // Past 2^53 a float no longer names one millisecond.
    (scaled.abs() < 9_007_199_254_740_992.0).then_some(scaled as i64)
}

fn iso8601(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(time.as_millisecond()));
    }
    let time = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(Timestamp(TimeZone::UTC.to_timestamp(time).ok()?.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_not_finite_numbers_are_refused() {
        for bad in ["NaN", "inf", "-inf", "1e39", "", "four", "4,5", "1e999"] {
            assert!(value("rating", bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(value("rating", " 4.5 "), Ok(4.5));
        assert_eq!(value("rating", "-0").map(f32::to_bits), Ok(0));
    }

    #[test]
    fn times_are_read_in_each_unit() {
        let read = |text, unit| moment("time", text, unit).map(|time| time.0);
        assert_eq!(read("978300760", TimeUnit::Seconds), Ok(978_300_760_000));
        assert_eq!(read("978300760.5", TimeUnit::Seconds), Ok(978_300_760_500));
        assert_eq!(read("9.7830076e8", TimeUnit::Seconds), Ok(978_300_760_000));
        assert_eq!(read("978300760123", TimeUnit::Milliseconds), Ok(978_300_760_123));
        for same in ["2000-12-31T22:12:40Z", "2000-12-31 22:12:40", "2001-01-01T00:12:40+02:00"] {
            assert_eq!(read(same, TimeUnit::Iso8601), Ok(978_300_760_000), "{same}");
        }
        assert_eq!(read("2001-01-01", TimeUnit::Iso8601), Ok(978_307_200_000));
        for bad in ["", "NaN", "inf", "9223372036854775807", "1e300", "soon"] {
            assert!(read(bad, TimeUnit::Seconds).is_err(), "{bad:?} was taken");
        }
        assert!(read("31.12.2000", TimeUnit::Iso8601).is_err());
    }

    #[test]
    fn event_times_lie_between_1970_and_now() {
        let read = |text| event_time("time", text, TimeUnit::Seconds, Timestamp(1_000_000));
        assert!(read("-1").is_err());
        assert!(read("1001").is_err());
        assert_eq!(read("1000"), Ok(Timestamp(1_000_000)));
    }

    #[test]
    fn years_become_their_first_moment() {
        assert_eq!(year("year", "1970"), Ok(Timestamp(0)));
        assert_eq!(year("year", "1995.0"), Ok(Timestamp(788_918_400_000)));
        assert_eq!(year("year", "1919").map(|time| time.0 < 0), Ok(true));
        for bad in ["0", "1995.5", "99999", "x", "NaN"] {
            assert!(year("year", bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn tags_lose_doubles_and_blanks() {
        let names = |text| {
            tags("tags", text, "|").map(|tags| tags.iter().map(ToString::to_string).collect())
        };
        assert_eq!(names("a| b ||a"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(names(""), Ok(vec![]));
        assert!(names("a|b//c").is_err());
    }
}
