//! The threads that run channels.
