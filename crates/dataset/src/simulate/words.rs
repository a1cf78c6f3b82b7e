//! The words of the simulated catalogue: tags of three levels, and titles a person can read.

/// Leaves of the tag tree: three under each middle level, two middle levels under each root.
pub(super) const LEAVES: [&str; 36] = [
    "sports/ball/football",
    "sports/ball/tennis",
    "sports/ball/basketball",
    "sports/outdoor/climbing",
    "sports/outdoor/surfing",
    "sports/outdoor/cycling",
    "music/classical/piano",
    "music/classical/opera",
    "music/classical/strings",
    "music/modern/jazz",
    "music/modern/rock",
    "music/modern/electronic",
    "food/cooking/noodles",
    "food/cooking/curry",
    "food/cooking/grill",
    "food/baking/bread",
    "food/baking/cake",
    "food/baking/pastry",
    "science/space/planets",
    "science/space/rockets",
    "science/space/telescopes",
    "science/nature/birds",
    "science/nature/oceans",
    "science/nature/forests",
    "games/board/chess",
    "games/board/go",
    "games/board/cards",
    "games/video/racing",
    "games/video/puzzle",
    "games/video/strategy",
    "travel/city/museums",
    "travel/city/markets",
    "travel/city/architecture",
    "travel/wild/deserts",
    "travel/wild/islands",
    "travel/wild/mountains",
];

pub(super) const MOODS: [&str; 12] = [
    "Quiet", "Golden", "Hidden", "Great", "Little", "Wild", "Slow", "Bright", "Secret", "Late",
    "First", "Northern",
];

pub(super) const FORMS: [&str; 10] = [
    "Stories", "Lessons", "Moments", "Secrets", "Tour", "Diary", "Evening", "Guide", "Masters",
    "Journey",
];

/// What a large catalogue divides every topic into.
pub(super) const VARIETIES: [&str; 10] = [
    "lessons",
    "highlights",
    "live",
    "comedy",
    "history",
    "reviews",
    "challenges",
    "news",
    "travels",
    "gear",
];

pub(super) const CITIES: [&str; 24] = [
    "Beijing", "Shanghai", "Chengdu", "Xi'an", "Lagos", "Cairo", "Nairobi", "Mumbai", "Delhi",
    "Dhaka", "Tokyo", "Osaka", "Seoul", "Jakarta", "Manila", "Istanbul", "Tehran", "Paris",
    "Berlin", "Madrid", "London", "Lima", "Bogota", "Toronto",
];

pub(super) const AGE_BANDS: [&str; 6] = ["under 18", "18-24", "25-34", "35-44", "45-59", "60+"];
