//! Public data sets from the internet into a cache folder, checked before anybody reads them.

mod archive;
mod cache;
mod download;
mod error;
#[cfg(test)]
mod loopback;
mod movielens_1m;
mod pip;

pub use error::FetchError;
pub use movielens_1m::{
    Fetched, MOVIELENS_1M_CHECKSUM, Origin, fetch_movielens_1m, read_movielens_1m,
};
