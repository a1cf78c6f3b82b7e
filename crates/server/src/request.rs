//! The bodies that clients send. Unknown fields are refused: a misspelt one would otherwise be
//! a wish that is silently not granted.

use std::fmt;

use gannet_core::{ItemId, ModelName, SceneName, Timestamp, UserId};
use gannet_retrieval::{
    Comparison, FilterExpression, FilterValue, QueryVector, RawEvent, RawHistoryEntry, RawRequest,
    RequestError,
};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// An id as text; a whole JSON number is taken as its decimal text.
#[derive(Debug, Clone)]
pub(crate) struct IdText(String);

impl<'de> Deserialize<'de> for IdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = IdText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // A longer number would have lost its last digits before it came here.
                f.write_str("an id: a string of 1 to 256 bytes, or a whole number of 64 bits")
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<IdText, E> {
                ItemId::new(id).map_err(E::custom)?;
                Ok(IdText(id.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<IdText, E> {
                Ok(IdText(id.to_string()))
            }

            fn visit_i64<E: de::Error>(self, id: i64) -> Result<IdText, E> {
                Ok(IdText(id.to_string()))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

impl IdText {
    pub(crate) fn item(&self) -> ItemId {
        ItemId::new(self.0.as_str()).expect("checked when it was read")
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn user(&self) -> UserId {
        UserId::new(self.0.as_str()).expect("checked when it was read")
    }
}

fn id_schema() -> RefOr<Schema> {
    id_or_nothing_schema(false)
}

fn user_schema() -> RefOr<Schema> {
    id_or_nothing_schema(true)
}

fn id_or_nothing_schema(may_be_null: bool) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
    let text = text.max_length(Some(256));
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(i64::MIN as isize))
        .maximum(Some(u64::MAX as usize));
    let about = "Text of 1 to 256 bytes; a whole number of 64 bits is taken as its decimal text.";
    let id = OneOfBuilder::new().description(Some(about)).item(text).item(number);
    match may_be_null {
        true => id.item(ObjectBuilder::new().schema_type(Type::Null)).into(),
        false => id.into(),
    }
}

fn filter_schema() -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let object = utoipa::openapi::Ref::from_schema_name("FilterBody");
    let nothing = ObjectBuilder::new().schema_type(Type::Null);
    let about = "Text in the filter language, or an object whose fields must all hold.";
    OneOfBuilder::new().description(Some(about)).item(text).item(object).item(nothing).into()
}

pub(crate) fn ids_schema() -> RefOr<Schema> {
    utoipa::openapi::schema::ArrayBuilder::new().items(id_schema()).into()
}

/// One event of the user that the server does not know yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "item": "Toy Story (1995)", "value": 5.0 }))]
pub(crate) struct HistoryBody {
    /// The item; one that the snapshot does not know is ignored.
    #[schema(schema_with = id_schema)]
    item: IdText,
    /// The kind of event; absent: the snapshot's first kind.
    kind: Option<String>,
    /// Its value, such as the stars of a rating; absent: one that counts as positive.
    value: Option<f32>,
    /// Milliseconds since 1970 (UTC); absent: now.
    #[schema(minimum = 0)]
    time: Option<i64>,
}

/// A user vector of the caller's own tower.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "model": "ials", "version": "1", "values": [0.5, 0.25] }))]
pub(crate) struct VectorBody {
    /// The model whose item vectors it is to meet.
    #[schema(value_type = String, pattern = "^[a-z0-9_-]{1,64}$")]
    model: ModelName,
    /// The version of that model; refused where it is not the snapshot's.
    version: String,
    /// As many values as the model has dimensions.
    values: Vec<f32>,
}

/// What the items must satisfy; every field that is given must hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "tags_any": ["Comedy"], "published_from": 788918400000i64 }))]
pub(crate) struct FilterBody {
    /// At least one of these tags, or a tag below it.
    #[serde(default)]
    #[schema(required = false)]
    tags_any: Vec<String>,
    /// None of these tags, nor a tag below them.
    #[serde(default)]
    #[schema(required = false)]
    tags_none: Vec<String>,
    /// One of these authors.
    #[serde(default)]
    #[schema(required = false)]
    authors: Vec<String>,
    /// Published then or later: milliseconds since 1970 (UTC).
    published_from: Option<i64>,
    /// Published earlier: milliseconds since 1970 (UTC).
    published_before: Option<i64>,
}

impl FilterBody {
    /// The same as text; `None` where nothing is asked.
    fn into_text(self) -> Option<String> {
        let texts = |names: Vec<String>| names.into_iter().map(FilterValue::Text).collect();
        let one_of = |field: &str, names: Vec<String>| {
            (!names.is_empty()).then(|| FilterExpression::one_of(field, texts(names)))
        };
        let published = |comparison, ms: i64| {
            FilterExpression::compare("published", comparison, FilterValue::Number(ms as f64))
        };
        let parts = [
            one_of("tags", self.tags_any),
            one_of("tags", self.tags_none).map(FilterExpression::negated),
            one_of("author", self.authors),
            self.published_from.map(|from| published(Comparison::AtLeast, from)),
            self.published_before.map(|before| published(Comparison::Less, before)),
        ];
        let all = FilterExpression::all(parts.into_iter().flatten().collect());
        all.map(|all| all.to_string())
    }
}

/// A filter in the language, or the older object.
#[derive(Debug)]
pub(crate) enum FilterForm {
    Text(String),
    Object(FilterBody),
}

impl<'de> Deserialize<'de> for FilterForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FormVisitor;
        impl<'de> Visitor<'de> for FormVisitor {
            type Value = FilterForm;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a filter as text, or an object of tags_any, tags_none, authors, \
                             published_from and published_before",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FilterForm, E> {
                Ok(FilterForm::Text(text.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<FilterForm, A::Error> {
                let object = de::value::MapAccessDeserializer::new(map);
                FilterBody::deserialize(object).map(FilterForm::Object)
            }
        }
        deserializer.deserialize_any(FormVisitor)
    }
}

impl FilterForm {
    /// Refuses an object whose span of time is empty: no item could ever satisfy it.
    fn into_text(self) -> Result<Option<String>, RequestError> {
        let body = match self {
            FilterForm::Text(text) => return Ok(Some(text)),
            FilterForm::Object(body) => body,
        };
        match (body.published_from, body.published_before) {
            (Some(from), Some(before)) if from >= before => Err(RequestError {
                field: "filter.published_before".to_owned(),
                code: "bad_filter",
                why: "expected a time after published_from".to_owned(),
            }),
            _ => Ok(body.into_text()),
        }
    }
}

/// Asks for candidates for a user: one that the server knows, or one described here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "user": "1", "size": 5, "explain": true }))]
pub(crate) struct RetrieveBody {
    /// The user, whose history comes from the server.
    #[serde(default)]
    #[schema(schema_with = user_schema, required = false)]
    user: Option<IdText>,
    /// The place that the candidates are for; absent: the first one configured.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9_-]{1,64}$", example = "home")]
    scene: Option<SceneName>,
    /// Events newer than the server knows, oldest first.
    #[serde(default)]
    #[schema(required = false)]
    history: Vec<HistoryBody>,
    /// The segment of users, as configured; absent: the first whose conditions hold.
    segment: Option<String>,
    /// The arm of the scene's experiment; absent: the one that the experiment gives to the user.
    arm: Option<String>,
    /// Items never to be shown to this user.
    #[serde(default)]
    #[schema(schema_with = ids_schema, required = false)]
    blocked: Vec<IdText>,
    /// Authors of whom nothing may be shown; unknown ones are ignored and counted.
    #[serde(default)]
    #[schema(required = false)]
    blocked_authors: Vec<String>,
    /// Tags of which nothing may be shown, nor of tags below them; unknown ones are ignored and
    /// counted.
    #[serde(default)]
    #[schema(required = false)]
    blocked_tags: Vec<String>,
    /// Items that were on the user's screen and that the server does not know of yet.
    #[serde(default)]
    #[schema(schema_with = ids_schema, required = false)]
    exposed: Vec<IdText>,
    /// Items that were answered to the user by somebody else.
    #[serde(default)]
    #[schema(schema_with = ids_schema, required = false)]
    delivered: Vec<IdText>,
    /// Whether the server must not take note of the answer as delivered.
    #[serde(default)]
    #[schema(required = false)]
    dry_run: bool,
    /// Vectors of the caller's own towers.
    #[serde(default)]
    #[schema(required = false)]
    vectors: Vec<VectorBody>,
    /// What the items must satisfy: a text such as `author in ["a", "b"] and not (tags any
    /// ["film/horror"] or length_ms >= 60000) and age_days <= 7`, over `tags` (a tag takes those
    /// below it), `author`, `published`, `expires`, `age_days` and every field of the items; or
    /// the older object.
    #[serde(default)]
    #[schema(schema_with = filter_schema, required = false)]
    filter: Option<FilterForm>,
    /// Candidates wanted, 1 to 100000; absent: the plan's handover size.
    #[schema(minimum = 1, maximum = 100_000)]
    size: Option<usize>,
    /// Only the best so many candidates, in the built-in scorer's order; absent: all, as merged.
    #[schema(minimum = 1, maximum = 100_000)]
    pub(crate) top: Option<usize>,
    /// The moment that the request is made for, in milliseconds since 1970 (UTC); absent: now.
    #[schema(minimum = 0)]
    now: Option<i64>,
    /// Whether every candidate comes with the channels that found it.
    #[serde(default)]
    #[schema(required = false)]
    pub(crate) explain: bool,
}

impl RetrieveBody {
    pub(crate) fn into_raw(self) -> Result<RawRequest, RequestError> {
        let entry = |body: HistoryBody| RawHistoryEntry {
            item: body.item.item(),
            kind: body.kind,
            value: body.value,
            time: body.time.map(Timestamp),
        };
        let vector = |body: VectorBody| QueryVector {
            model: body.model,
            version: body.version,
            values: body.values,
        };
        let filter = self.filter.map(FilterForm::into_text).transpose()?.flatten();
        Ok(RawRequest {
            user: self.user.as_ref().map(IdText::user),
            scene: self.scene,
            history: self.history.into_iter().map(entry).collect(),
            segment: self.segment,
            arm: self.arm,
            blocked: self.blocked.iter().map(IdText::item).collect(),
            blocked_authors: self.blocked_authors,
            blocked_tags: self.blocked_tags,
            exposed: self.exposed.iter().map(IdText::item).collect(),
            delivered: self.delivered.iter().map(IdText::item).collect(),
            dry_run: self.dry_run,
            vectors: self.vectors.into_iter().map(vector).collect(),
            filter,
            size: self.size,
            now: self.now.map(Timestamp),
            ..RawRequest::default()
        })
    }
}

/// Something that a user did.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "user": "1", "item": "Toy Story (1995)", "value": 5.0 }))]
pub(crate) struct EventBody {
    /// The user; one never heard of is legal.
    #[schema(schema_with = id_schema)]
    user: IdText,
    /// The item; one that the snapshot does not know is refused.
    #[schema(schema_with = id_schema)]
    item: IdText,
    /// The kind of event; absent: the snapshot's first kind.
    kind: Option<String>,
    /// Its value, such as the stars of a rating; absent: one that counts as positive.
    value: Option<f32>,
    /// Milliseconds since 1970 (UTC); absent: now.
    #[schema(minimum = 0)]
    time: Option<i64>,
    /// The place where it happened, as configured.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9_-]{1,64}$", example = "home")]
    scene: Option<SceneName>,
}

/// Tells what users did: all of it is taken, or nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "events": [{ "user": "1", "item": "Alien (1979)", "value": 5.0 }] }))]
pub(crate) struct EventsBody {
    /// One or many, at most 10000.
    #[schema(max_items = 10_000)]
    events: Vec<EventBody>,
}

impl EventsBody {
    pub(crate) fn into_raw(self) -> Vec<RawEvent> {
        let event = |body: EventBody| RawEvent {
            user: body.user.user(),
            item: body.item.item(),
            kind: body.kind,
            value: body.value,
            time: body.time.map(Timestamp),
            scene: body.scene,
        };
        self.events.into_iter().map(event).collect()
    }
}

/// Asks for items that go with an item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "item": "Toy Story (1995)", "size": 5 }))]
pub(crate) struct SimilarBody {
    /// The item.
    #[schema(schema_with = id_schema)]
    item: IdText,
    /// The place that the candidates are for; absent: `detail`.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9_-]{1,64}$", example = "detail")]
    scene: Option<SceneName>,
    /// What the items must satisfy: a text such as `author in ["a", "b"] and not (tags any
    /// ["film/horror"] or length_ms >= 60000) and age_days <= 7`, over `tags` (a tag takes those
    /// below it), `author`, `published`, `expires`, `age_days` and every field of the items; or
    /// the older object.
    #[serde(default)]
    #[schema(schema_with = filter_schema, required = false)]
    filter: Option<FilterForm>,
    /// Candidates wanted, 1 to 100000; absent: the plan's handover size.
    #[schema(minimum = 1, maximum = 100_000)]
    size: Option<usize>,
    /// Whether every candidate comes with the channels that found it.
    #[serde(default)]
    #[schema(required = false)]
    pub(crate) explain: bool,
}

impl SimilarBody {
    /// The item is the whole history, and is itself no answer.
    pub(crate) fn into_raw(self) -> Result<RawRequest, RequestError> {
        let item = self.item.item();
        let detail = || SceneName::new("detail").expect("a name");
        let event = RawHistoryEntry { item: item.clone(), kind: None, value: None, time: None };
        let filter = self.filter.map(FilterForm::into_text).transpose()?.flatten();
        Ok(RawRequest {
            scene: Some(self.scene.unwrap_or_else(detail)),
            history: vec![event],
            blocked: vec![item],
            filter,
            size: self.size,
            ..RawRequest::default()
        })
    }
}
