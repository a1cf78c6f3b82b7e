//! The command line as written.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

/// Retrieval layer of a recommender: from millions of items to the few hundred worth ranking.
#[derive(Debug, Parser)]
#[command(name = "gannet", version, propagate_version = true)]
#[command(after_help = "Examples:\n  \
    gannet demo                          real ratings to a served retrieval layer, in a minute\n  \
    gannet retrieve --user 42 --top 10 --explain\n  \
    gannet retrieve --item 'Toy Story (1995)'\n  \
    gannet ingest films --format movielens-csv --path ml-latest-small\n\n\
    Exit codes: 0 done, 1 failed, 2 wrong usage.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Configuration file, laid over the built-in defaults [default: ./gannet.toml if there].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting, over everything else; may be repeated.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
    /// Folder of data sets, snapshots and reports.
    #[arg(long, global = true, value_name = "DIR", default_value = ".gannet")]
    pub(crate) data_dir: PathBuf,
    /// Folder of downloads [default: the platform's cache folder].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Print one JSON document on standard output, for machines.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch real ratings, train, evaluate, print the report and serve it.
    Demo(DemoArgs),
    /// Download a public data set into the cache and verify it.
    Fetch(FetchArgs),
    /// Read a data set, check every row, and store it as Parquet.
    Ingest(IngestArgs),
    /// Make up a catalogue of any size with users and events, and write it as Parquet.
    Simulate(SimulateArgs),
    /// Train every model on a stored data set and write a snapshot.
    Train(TrainArgs),
    /// Judge every channel and their merge on the held-out part of the data.
    Evaluate(EvaluateArgs),
    /// Ask the current snapshot for candidates.
    Retrieve(RetrieveArgs),
    /// Answer requests over HTTP.
    Serve(ServeArgs),
    /// Say which channels a data set is good for, and why.
    Advise(AdviseArgs),
    /// Show what a data set or a snapshot holds.
    Inspect(InspectArgs),
    /// Show the configuration.
    Config(ConfigArgs),
    /// Measure.
    Bench(BenchArgs),
    /// Bring vectors that were trained elsewhere, or take trained ones out.
    Vectors(VectorsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct VectorsArgs {
    #[command(subcommand)]
    pub(crate) command: VectorsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VectorsCommand {
    /// Put vectors from files beside the current snapshot's models, as a new snapshot.
    Import(VectorsImportArgs),
    /// List the vectors of the current snapshot.
    Show,
    /// Write a model's vectors to files.
    Export(VectorsExportArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gannet vectors import towers --items items.npy --ids items.txt \\\n      \
    --users users.npy --user-ids users.txt --metric inner_product --model-version 7\n  \
    gannet vectors import words --items vectors.parquet --metric cosine --model-version 2026-11")]
pub(crate) struct VectorsImportArgs {
    /// The name that channels read it by: `model = \"NAME\"`.
    pub(crate) name: String,
    /// Vectors of items: .npy, .safetensors or .parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) items: PathBuf,
    /// Ids of the items' rows, for .npy and .safetensors: text with one a line, .json or .parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) ids: Option<PathBuf>,
    /// Vectors of users, in the same space.
    #[arg(long, value_name = "FILE")]
    pub(crate) users: Option<PathBuf>,
    /// Ids of the users' rows.
    #[arg(long, value_name = "FILE", requires = "users")]
    pub(crate) user_ids: Option<PathBuf>,
    /// How vectors are compared; cosine scales them to length 1 and leaves out those of zeros.
    #[arg(long, value_enum)]
    pub(crate) metric: MetricName,
    /// Version of the model: query vectors in requests must name it.
    #[arg(long = "model-version", value_name = "VERSION")]
    pub(crate) model_version: String,
    /// Tensor of the items' .safetensors file, where it has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) tensor: Option<String>,
    /// Tensor of the users' .safetensors file, where it has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) user_tensor: Option<String>,
    /// Column of ids in Parquet [default: id].
    #[arg(long, value_name = "NAME")]
    pub(crate) id_column: Option<String>,
    /// Column of vectors in Parquet [default: vector].
    #[arg(long, value_name = "NAME")]
    pub(crate) vector_column: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricName {
    /// The inner product as it is.
    #[value(name = "inner_product")]
    InnerProduct,
    /// The inner product of vectors of length 1.
    Cosine,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gannet vectors export ials --format npy --out vectors")]
pub(crate) struct VectorsExportArgs {
    /// A trained or imported model of vectors.
    pub(crate) model: String,
    /// The form of the files.
    #[arg(long, value_enum, default_value = "npy")]
    pub(crate) format: VectorFormatName,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VectorFormatName {
    /// items.npy and users.npy, ids in .ids.txt beside them.
    Npy,
    /// items.safetensors and users.safetensors, ids in .ids.txt beside them.
    Safetensors,
    /// items.parquet and users.parquet with columns id and vector.
    Parquet,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gannet demo                    serves on 127.0.0.1:8080 when the report is out\n  \
    gannet demo --no-serve --json  for scripts\n  \
    gannet demo --data simulated   without network\n  \
    gannet demo --data lightgcn:gowalla --profile lightgcn")]
pub(crate) struct DemoArgs {
    /// movielens-1m, simulated, or FORMAT:PATH as `gannet ingest` takes them.
    #[arg(long, default_value = "movielens-1m")]
    pub(crate) data: String,
    /// End after the report.
    #[arg(long)]
    pub(crate) no_serve: bool,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
    /// Address to serve on; over `server.listen`.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gannet fetch movielens-1m")]
pub(crate) struct FetchArgs {
    /// The data set.
    #[arg(value_enum)]
    pub(crate) name: FetchName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FetchName {
    /// 1,000,209 ratings of 3,883 films by 6,040 users (research use).
    #[value(name = "movielens-1m")]
    Movielens1m,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gannet ingest movielens-1m\n  \
    gannet ingest films --format movielens-csv --path ml-latest-small\n  \
    gannet ingest gowalla --format lightgcn --path data/gowalla\n  \
    gannet ingest videos --format kuairand --path KuaiRand-Pure/data\n  \
    gannet ingest big --format parquet --path tables   # events.parquet, items.parquet\n  \
    gannet ingest shop --format csv --path exports --config shop.toml   # [csv] names the columns")]
pub(crate) struct IngestArgs {
    /// The name that the stored data set gets; movielens-1m and simulated need nothing else.
    pub(crate) name: String,
    /// How the files are laid out.
    #[arg(long, value_enum, requires = "path")]
    pub(crate) format: Option<FormatName>,
    /// The folder with the files.
    #[arg(long, value_name = "DIR", requires = "format")]
    pub(crate) path: Option<PathBuf>,
    /// Share of bad rows above which nothing is stored; over `data.bad_rows_share_max`.
    #[arg(long, value_name = "SHARE")]
    pub(crate) max_bad_rows: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// ratings.dat and movies.dat, `::` between fields, Latin-1.
    MovielensDat,
    /// ratings.csv and movies.csv.
    MovielensCsv,
    /// .inter and .item tables with typed headers (RecBole).
    Tables,
    /// train.txt and test.txt, `user item item ...` a line.
    Lightgcn,
    /// Any CSV files; `[csv]` of the configuration names the columns.
    Csv,
    /// items.parquet, users.parquet and events.parquet; `[parquet]` names columns of other names.
    Parquet,
    /// items.jsonl, users.jsonl and events.jsonl; `[jsonl]` names keys of other names.
    Jsonl,
    /// KuaiRand: log_*.csv, video_features_basic_*.csv, user_features_*.csv.
    Kuairand,
    /// KuaiRec: big_matrix.csv or small_matrix.csv, item_*.csv, user_features.csv.
    Kuairec,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gannet simulate --items 50000 --users 10000 --events 500000 --out small\n  \
    gannet simulate --items 5000000 --users 1000000 --events 50000000 --out large\n  \
    gannet ingest large --format parquet --path large --config large/gannet.toml")]
pub(crate) struct SimulateArgs {
    /// Number of items.
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    pub(crate) items: u32,
    /// Number of users.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) users: u32,
    /// Number of events; a user meets at most a third of the items.
    #[arg(long, value_name = "N", default_value_t = 500_000)]
    pub(crate) events: u32,
    /// Length of the span.
    #[arg(long, value_name = "D", default_value_t = 30)]
    pub(crate) days: u32,
    /// Equal options and seed give equal files.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The folder to write; a simulation that is there already is replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct TrainingArgs {
    /// What is held out for judging: auto, none, fixed, temporal-global[:SHARE],
    /// temporal-per-user[:SHARE], leave-one-out, random-per-user[:SHARE], held-out-users[:SHARE];
    /// SHARE is what trains.
    #[arg(long, default_value = "auto")]
    pub(crate) split: String,
    /// How much is tried on a validation part of the training data before the final fit.
    #[arg(long, value_enum, default_value = "quick")]
    pub(crate) tune: TuneEffort,
    /// What is fitted: all, non-vector (all but the vectors, which cost the most), or a list such
    /// as popularity,keys,item_cf [default: train.models].
    #[arg(long, value_name = "MODELS")]
    pub(crate) models: Option<String>,
    /// Whose rules of judging: what counts as positive, what is held out, which metrics.
    #[arg(long, value_enum, default_value = "lightgcn")]
    pub(crate) profile: ProfileName,
    /// Settings are chosen by validation recall at this K [default: the mean of recall at 100 and
    /// at the handover size].
    #[arg(long, value_name = "K")]
    pub(crate) tune_at: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TuneEffort {
    /// The recipe of the configuration as it stands.
    Off,
    /// The same, and the merge's weights learnt: one more fit, whatever the size.
    Weights,
    /// A few settings a model.
    Quick,
    /// Many more.
    Thorough,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gannet train --dataset movielens-1m\n  \
    gannet train --dataset shop --split none      # all events: for serving, not for judging\n  \
    gannet train --dataset shop --split temporal-global:0.9 --tune thorough")]
pub(crate) struct TrainArgs {
    /// A stored data set (`gannet ingest` makes one).
    #[arg(long)]
    pub(crate) dataset: String,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
}

#[derive(Debug, Args)]
pub(crate) struct JudgingArgs {
    /// Judge at most so many users, drawn by a fixed seed; 0: all [default: 50000].
    #[arg(long, value_name = "N")]
    pub(crate) users: Option<usize>,
    /// The scene whose plan is judged [default: the first].
    #[arg(long)]
    pub(crate) scene: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileName {
    /// The LightGCN papers: recall = hits/|test|, headline recall@20 and ndcg@20.
    Lightgcn,
    /// The Mult-VAE papers: recall = hits/min(K,|test|), ndcg@100, unseen users.
    Multvae,
    /// One held-out event a user: hit rate and ndcg, all items ranked.
    LeaveOneOut,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gannet evaluate\n  \
    gannet evaluate --users 1000 --json > report.json\n  \
    gannet evaluate --truth                # against what simulated users truly prefer\n  \
    gannet evaluate --truth large          # the same, by what that folder holds")]
pub(crate) struct EvaluateArgs {
    /// Simulated data: hold every channel and the merge against what the users truly prefer, and do
    /// nothing else. PATH is a folder that `gannet simulate` wrote, or a copy of its truth.json
    /// [default: what `gannet ingest` kept with the data set].
    #[arg(long, value_name = "PATH", num_args = 0..=1)]
    pub(crate) truth: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
}

/// `retrieve` needs to know for whom, or like what.
fn who() -> ArgGroup {
    ArgGroup::new("who").required(true).multiple(true).args(["user", "item", "history"])
}

#[derive(Debug, Args)]
#[command(group = who())]
#[command(after_help = "Examples:\n  \
    gannet retrieve --user 42 --top 10 --explain\n  \
    gannet retrieve --item 'Toy Story (1995)' --size 20\n  \
    gannet retrieve --history 'Alien (1979)' --history 'Aliens (1986)' --top 10")]
pub(crate) struct RetrieveArgs {
    /// The user to retrieve for.
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// Items like this one.
    #[arg(long, value_name = "ID", conflicts_with_all = ["user", "history"])]
    pub(crate) item: Option<String>,
    /// An item that the user just liked; may be repeated, oldest first.
    #[arg(long, value_name = "ID")]
    pub(crate) history: Vec<String>,
    /// The scene [default: home; detail with --item].
    #[arg(long)]
    pub(crate) scene: Option<String>,
    /// How many candidates [default: the plan's handover size].
    #[arg(long, value_name = "N")]
    pub(crate) size: Option<usize>,
    /// Rank the candidates and show the best N.
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,
    /// Show channels, ranks, scores and triggers, and what each stage did.
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gannet serve --listen 0.0.0.0:8080")]
pub(crate) struct ServeArgs {
    /// Address to serve on; over `server.listen`.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gannet advise --dataset movielens-1m")]
pub(crate) struct AdviseArgs {
    /// A stored data set (`gannet ingest` makes one).
    #[arg(long)]
    pub(crate) dataset: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gannet inspect                         all data sets and snapshots\n  \
    gannet inspect --dataset movielens-1m\n  \
    gannet inspect --snapshot current")]
pub(crate) struct InspectArgs {
    /// A stored data set.
    #[arg(long)]
    pub(crate) dataset: Option<String>,
    /// A snapshot's version, or `current`.
    #[arg(long)]
    pub(crate) snapshot: Option<String>,
    /// Simulated data: the items that this user truly likes best at the time of the last event,
    /// of those on show.
    #[arg(long, value_name = "USER", requires = "dataset")]
    pub(crate) truth_of: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Every setting with its value and where that came from.
    Show,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Time `Engine::retrieve` on the current snapshot: one request after the other, or by a
    /// schedule.
    Retrieve(BenchRetrieveArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    taskset -c 0 gannet bench retrieve --requests 5000 --threads 1\n  \
    taskset -c 0,1 gannet bench retrieve --threads 2 --rate 2000 --seconds 30\n  \
    taskset -c 0 gannet bench retrieve --threads 1 --open-loop --p99-us 1000 --picture load.html\n\
    A snapshot of five million items to bench on (each step needs under 12 GiB):\n  \
    gannet simulate --items 5000000 --users 1000000 --events 50000000 --out five-million\n  \
    gannet ingest five-million --format parquet --path five-million \
    --config five-million/gannet.toml\n  \
    gannet train --dataset five-million --split none --tune off --models non-vector\n  \
    gannet bench retrieve --without-vectors --size 500 --consumed 5000 --blocked-authors 500")]
pub(crate) struct BenchRetrieveArgs {
    /// Timed requests of the closed loop, after a tenth as many to warm up.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub(crate) requests: usize,
    /// The scene [default: the first].
    #[arg(long)]
    pub(crate) scene: Option<String>,
    /// Candidates a request [default: the plan's handover size].
    #[arg(long)]
    pub(crate) size: Option<usize>,
    /// Clients, and as many threads of the engine. Bind cores outside (taskset) [default: one
    /// client, engine.workers threads].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Requests a second by a schedule; latency counts from when each was due.
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,
    /// Search the highest rate whose p99 stays under --p99-us.
    #[arg(long, conflicts_with = "rate")]
    pub(crate) open_loop: bool,
    /// How scheduled requests follow one another.
    #[arg(long, value_enum, default_value = "poisson")]
    pub(crate) arrivals: crate::commands::bench::Arrivals,
    /// Seconds at each rate.
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// What p99 must stay under, in microseconds [default: the plan's deadline].
    #[arg(long, value_name = "US")]
    pub(crate) p99_us: Option<f64>,
    /// Draw latency against rate into an HTML page; with --open-loop.
    #[arg(long, value_name = "FILE", requires = "open_loop")]
    pub(crate) picture: Option<PathBuf>,
    /// Users that ask, spread over all; their records are made before the clock starts.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) users: usize,
    /// Consumed items that each of them has at least; made up where the snapshot has fewer.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) consumed: usize,
    /// Authors that each of them has blocked at least.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) blocked_authors: usize,
    /// Leave out the channels that search vectors (kinds u2i_vector and i2i_vector).
    #[arg(long)]
    pub(crate) without_vectors: bool,
    /// Seed of arrivals and of made-up sets.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
}
