//! What the MovieLens formats have in common: titles with years, genres, and which id an item has.

use std::borrow::Cow;

use gannet_core::{Item, StringTable, Timestamp};
use serde::Deserialize;

use super::field;
use super::reading::Reading;
use crate::bad_rows::BadField;

/// What becomes an item's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemIds {
    /// The publisher's number: distinct always.
    #[default]
    Number,
    /// The title with its year, as some republished copies have it: one space before the year,
    /// brackets closed. Of two films that share one, the second row is refused; in the 1M set all
    /// are distinct.
    Title,
}

/// Genres of a film that has none, in the files of 2013 and later.
const NO_GENRES: &str = "(no genres listed)";

/// Which item each number stands for.
#[derive(Default)]
pub(crate) struct ItemNumbers {
    numbers: StringTable,
    ids: Vec<String>,
}

impl ItemNumbers {
    /// The item's id for a number; a number that the item file lacks stands for itself.
    pub(crate) fn id<'a>(&'a self, number: &'a str) -> &'a str {
        self.numbers.find(number).map_or(number, |at| &self.ids[at as usize])
    }

    /// Adds a film to the data set.
    pub(crate) fn add_film(
        &mut self,
        reading: &mut Reading<'_>,
        item_ids: ItemIds,
        film: &Film<'_>,
    ) -> Result<(), BadField> {
        let genres = if film.genres.trim() == NO_GENRES { "" } else { film.genres };
        let title = match item_ids {
            ItemIds::Number => Cow::Borrowed(film.title.trim()),
            ItemIds::Title => whole_title(film.title.trim()),
        };
        let (field, id) = match item_ids {
            ItemIds::Number => ("movieId", film.number),
            ItemIds::Title => ("title", title.as_ref()),
        };
        let item = Item {
            title: title.to_string(),
            tags: field::tags("genres", genres, "|")?,
            published: title_year(&title),
            ..Item::bare(field::item_id(field, id)?)
        };
        let number = field::item_id("movieId", film.number)?;
        if self.numbers.find(film.number).is_some() {
            return Err(BadField::new("movieId", "an id not given before", film.number));
        }
        reading.builder.add_item(field, &item)?;
        if item_ids == ItemIds::Title {
            self.numbers.intern(number.as_str());
            self.ids.push(title.into_owned());
        }
        Ok(())
    }
}

/// A row of the item file.
pub(crate) struct Film<'a> {
    pub(crate) number: &'a str,
    pub(crate) title: &'a str,
    pub(crate) genres: &'a str,
}

/// The one form of a title that is an item's id: brackets closed and one space before the year.
///
/// The publisher has `Associate, The (L'Associe)(1982)`. RecBole's copy put a space before each
/// year in the place of whatever stood there and has `Associate, The (L'Associe (1982)`. Both
/// become `Associate, The (L'Associe) (1982)`; every other title of MovieLens-1M stays as it is.
pub(crate) fn whole_title(title: &str) -> Cow<'_, str> {
    let Some((name, year)) = title.rsplit_once('(').filter(|_| year_digits(title).is_some()) else {
        return Cow::Borrowed(title);
    };
    let trimmed = name.trim_end();
    let closed = trimmed.matches(')').count();
    let unclosed = trimmed.matches('(').count().saturating_sub(closed);
    if unclosed == 0 && (trimmed.is_empty() || name.strip_suffix(' ') == Some(trimmed)) {
        return Cow::Borrowed(title);
    }
    Cow::Owned(format!("{trimmed}{} ({year}", ")".repeat(unclosed)))
}

/// The first moment of the year that ends a title: `Toy Story (1995)`.
fn title_year(title: &str) -> Option<Timestamp> {
    field::start_of_year(year_digits(title)?.parse().ok()?)
}

fn year_digits(title: &str) -> Option<&str> {
    let digits = title.strip_suffix(')')?.rsplit_once('(')?.1;
    let all_digits = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_that_is_an_id_has_one_form_whoever_published_it() {
        let whole = "Associate, The (L'Associe) (1982)";
        for form in [
            "Associate, The (L'Associe)(1982)",
            "Associate, The (L'Associe (1982)",
            "Associate, The (L'Associe)  (1982)",
            whole,
        ] {
            assert_eq!(whole_title(form), whole, "{form:?}");
        }
        for good in [
            "Toy Story (1995)",
            "Slingshot, The (Kådisbellan ) (1993)",
            "U (1994) (1995)",
            ":) (1999)",
            "(1999)",
            "Untitled (no year",
            "Unclosed (1999) x",
            "Unclosed (x (199)",
        ] {
            assert!(matches!(whole_title(good), Cow::Borrowed(same) if same == good), "{good:?}");
        }
    }

    #[test]
    fn the_year_is_the_last_bracket_of_a_title() {
        let year_1995 = Some(Timestamp(788_918_400_000));
        assert_eq!(title_year("Toy Story (1995)"), year_1995);
        assert_eq!(title_year("1984 (1984) (1995)"), year_1995);
        for none in ["Babylon 5", "Show (2006–2007)", "", ")", "(199)", "X (+199)", "(1995) X"] {
            assert_eq!(title_year(none), None, "{none:?}");
        }
    }
}
