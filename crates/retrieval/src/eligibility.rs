//! What may be shown, as three cheap things that are never combined into a new bitmap.

/// Base mask, this user's refusals, and the request's rare filter.
#[derive(Debug, Clone)]
pub struct Eligibility {}
