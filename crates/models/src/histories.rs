//! What each user did before the snapshot, in order of time.

use std::sync::Arc;

use gannet_core::{
    FieldTable, Interaction, ItemIndex, KindIndex, SceneIndex, StringTable, Timestamp, UserId,
    UserIndex,
};

use crate::arrays::{Array, Arrays, ArraysError, Part, flag, require_finite, require_length};
use crate::fields::{put_fields, take_fields};

/// The users of the snapshot and their events, oldest first. Shared with what trained on them: 50
/// million events are 1.6 GB.
#[derive(Debug, Clone, PartialEq)]
pub struct Histories {
    users: Arc<StringTable>,
    offsets: Arc<Vec<u64>>,
    events: Arc<Vec<Interaction>>,
    scenes: Vec<String>,
    user_fields: Arc<FieldTable>,
}

/// Stands for an event without a scene in the stored arrays.
const NO_SCENE: u8 = u8::MAX;

impl Histories {
    /// From users and their events, oldest first. Panics where the offsets do not fit: training
    /// makes them; what comes from disk goes through `Part::from_arrays`.
    pub fn new(users: StringTable, offsets: Vec<u64>, events: Vec<Interaction>) -> Self {
        Self::shared(Arc::new(users), Arc::new(offsets), Arc::new(events))
    }

    /// [`Histories::new`] of what somebody else holds too.
    pub fn shared(
        users: Arc<StringTable>,
        offsets: Arc<Vec<u64>>,
        events: Arc<Vec<Interaction>>,
    ) -> Self {
        assert_eq!(users.len() + 1, offsets.len());
        assert_eq!(offsets.last().copied(), Some(events.len() as u64));
        Self { users, offsets, events, scenes: Vec::new(), user_fields: Arc::default() }
    }

    /// The same with the names of the events' scenes, and with what is known of the users.
    pub fn with(self, scenes: Vec<String>, user_fields: impl Into<Arc<FieldTable>>) -> Self {
        Self { scenes, user_fields: user_fields.into(), ..self }
    }

    /// The scenes that events name, by `SceneIndex`.
    pub fn scenes(&self) -> &[String] {
        &self.scenes
    }

    /// What is known of the users: row `i` is the user of index `i`.
    pub fn user_fields(&self) -> &FieldTable {
        &self.user_fields
    }

    /// Number of users.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The index of a user.
    pub fn find(&self, user: &str) -> Option<UserIndex> {
        self.users.find(user).map(UserIndex)
    }

    /// The id of a user.
    pub fn id(&self, user: UserIndex) -> &str {
        self.users.get(user.0)
    }

    /// A user's events, oldest first.
    pub fn events(&self, user: UserIndex) -> &[Interaction] {
        &self.events[self.offsets[user.at()] as usize..self.offsets[user.at() + 1] as usize]
    }

    /// All events, user by user.
    pub fn all_events(&self) -> &[Interaction] {
        &self.events
    }
}

impl Part for Histories {
    const KIND: &'static str = "histories";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_strings("users", self.users.iter());
        arrays.put("offsets", Array::U64(self.offsets.to_vec()));
        let events = || self.events.iter();
        arrays.put("items", Array::U32(events().map(|event| event.item.0).collect()));
        arrays.put("kinds", Array::U8(events().map(|event| event.kind.0).collect()));
        arrays.put("values", Array::F32(events().map(|event| event.value).collect()));
        let times = events().map(|event| event.time.map_or(0, |time| time.0)).collect();
        arrays.put("times", Array::I64(times));
        let known = events().map(|event| u8::from(event.time.is_some())).collect();
        arrays.put("times_known", Array::U8(known));
        let scene = |event: &Interaction| event.scene.map_or(NO_SCENE, |scene| scene.0);
        arrays.put("event_scenes", Array::U8(events().map(scene).collect()));
        arrays.put_strings("scenes", self.scenes.iter().map(String::as_str));
        put_fields(&mut arrays, "user_fields", &self.user_fields, self.len());
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let users = arrays.take_table("users")?;
        if let Some(error) = users.iter().find_map(|user| UserId::check(user).err()) {
            return Err(ArraysError::contents("users", error));
        }
        let offsets = arrays.take_u64("offsets")?;
        let items = arrays.take_u32("items")?;
        let kinds = arrays.take_u8("kinds")?;
        let values = arrays.take_f32("values")?;
        let times = arrays.take_i64("times")?;
        let known = arrays.take_u8("times_known")?;
        let event_scenes = arrays.take_u8("event_scenes")?;
        let scenes = arrays.take_strings("scenes")?;
        let user_fields = take_fields(&mut arrays, "user_fields", users.len())?;
        require_length("event_scenes", event_scenes.len(), items.len())?;
        require_length("offsets", offsets.len(), users.len() + 1)?;
        require_length("kinds", kinds.len(), items.len())?;
        require_length("values", values.len(), items.len())?;
        require_length("times", times.len(), items.len())?;
        require_length("times_known", known.len(), items.len())?;
        require_finite("values", &values)?;
        let rising = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        if offsets[0] != 0 || offsets[users.len()] != items.len() as u64 || !rising {
            return Err(ArraysError::contents("offsets", "do not rise from 0 to the events"));
        }
        let mut events = Vec::with_capacity(items.len());
        for at in 0..items.len() {
            events.push(Interaction {
                item: ItemIndex(items[at]),
                kind: KindIndex(kinds[at]),
                value: values[at],
                time: flag("times_known", known[at])?.then_some(Timestamp(times[at])),
                scene: Some(SceneIndex(event_scenes[at])).filter(|scene| scene.0 != NO_SCENE),
            });
        }
        let histories = Self::new(users, offsets, events);
        Ok(histories.with(scenes, user_fields))
    }
}
