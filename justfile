# Short names for what is done often. `just` lists them; each is one command that works without it.

_list:
    @just --list

# All tests, tidy among them.
test:
    cargo test --workspace

# Arrows between crates, sizes, names, banned calls, links.
tidy:
    cargo xtask tidy

# The code map of ARCHITECTURE.md, from each file's opening sentence.
map:
    cargo xtask map

# Format and lints, as CI judges them.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Real ratings to a served retrieval layer.
demo *ARGUMENTS:
    cargo run --release -- demo {{ARGUMENTS}}

# The figures that the project promises: all, or those named.
measure *NAMES:
    cargo xtask measure {{NAMES}}

# Five million items: makes the data once in DIR (about 20 minutes, 12 GiB), then measures all of it.
measure-wide DIR:
    cargo xtask measure --keep {{DIR}} 'simulate_5m_*' 'ingest_train_5m_*' 'wide_*'

# A channel that hangs, over 10,000 requests.
soak-stuck:
    cargo xtask measure 'stuck_channel_*'

# What a request costs on the current snapshot.
bench *ARGUMENTS:
    cargo run --release -- bench retrieve {{ARGUMENTS}}

# Everything that must hold before a change lands.
ci:
    .ci/run
