//! Metric declarations, registry, stage clock, pools and logging.
//!
//! # Declaring metrics
//!
//! Each crate that counts has a `metrics.rs` with one struct per subsystem:
//!
//! ```
//! use limpid_telemetry::{Registry, Text, buckets, label_enum, metrics};
//!
//! label_enum! {
//!     /// Why a produce request was refused.
//!     pub enum Refusal {
//!         /// The disk is full.
//!         DiskFull = "disk_full",
//!         /// A batch is broken.
//!         Corrupt = "corrupt",
//!     }
//! }
//! /// Most topics with series of their own; the others share `topic="other"`.
//! const TOPICS_MAX: usize = 2_000;
//! type Topic = Text<TOPICS_MAX>;
//!
//! metrics! {
//!     /// What the log counts.
//!     pub struct LogMetrics {
//!         /// Bytes appended to the topic.
//!         pub appended_bytes: counter { topic: Topic } = "limpid_log_appended_bytes_total",
//!             mbean "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic={topic}" meter;
//!         /// Time of one fdatasync.
//!         pub fsync: histogram[buckets::DISK_SECONDS] = "limpid_fsync_seconds",
//!             mbean "kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs" timer;
//!         /// Segments open now.
//!         pub segments: gauge = "limpid_log_segments";
//!         /// Produce requests refused, by cause.
//!         pub refused: counter { cause: Refusal } = "limpid_log_refused_total";
//!     }
//! }
//!
//! let registry = Registry::new();
//! let metrics = LogMetrics::register(&registry)?;     // once per registry, by who composes
//!
//! // Bind when the object is made, keep the handle in the object:
//! let bytes_in = metrics.appended_bytes.own_for(0x77 /* topic id */, "orders");
//! let refused = metrics.refused.table();              // enums only: index, no hashing
//! // The hot path does this and nothing else:
//! bytes_in.inc_by(512);
//! refused.get(Refusal::DiskFull).inc();
//! metrics.fsync.observe(0.002);
//! metrics.segments.set(3);
//! drop(bytes_in);                                     // the series dies with its object
//!
//! // Enumerable without a broker, for `limpid metrics list` and METRICS.md:
//! assert_eq!(LogMetrics::DECLARATIONS[0].help(), "Bytes appended to the topic.");
//! # Ok::<(), limpid_telemetry::RegisterError>(())
//! ```
//!
//! `field: KIND [BUCKETS]? { label: Type, … }? = "full_name" (, mbean "ObjectName" SHAPE)*;`
//!
//! * KIND is `counter`, `float_counter`, `gauge`, `float_gauge` or `histogram[NAMED_BUCKETS]`.
//! * A label type is an enum ([`label_enum!`], or [`LabelEnum`] on a newtype around an enum of
//!   another crate), [`Text<CAP>`](Text) or [`Number<CAP>`](Number).
//! * Without labels the field is the handle; with labels a [`Family`]: `bind` (for good), `own` and
//!   `own_for(object id, …)` (dies with its owners), `table` (all-enum label sets). A pair of
//!   labels is bound with a tuple: `family.bind((Api::Produce, "orders"))`.
//! * SHAPE is `gauge`, `counter`, `meter`, `histogram`, `histogram_ms`, `timer` or `attribute "name"`
//!   and its variants; see [`Shape`].
//!
//! # State read at scrape
//!
//! What is a state rather than an event implements [`Collector`] and declares its families with
//! [`families!`]; see [`pools`] for a small one. Add it with [`Registry::add_collector`].
//!
//! # Requests and buffers
//!
//! [`StageClock`] goes with each request (`enter` at each change of stage, `carve` for a lock wait
//! reported by the log, `finish` at the end); [`StageHistograms`] records it. [`pools::Pool`] counts a
//! memory limit: [`Registry::pool`].

/// Whether this build counts and times what it does. It always does, but for the feature `unseen`,
/// which exists to measure what that costs (`cargo xtask instructions --price`).
pub const SEEN: bool = !cfg!(feature = "unseen");

pub mod buckets;
pub mod catalogue;
pub mod collect;
mod counts;
pub mod declare;
mod distribution;
mod error;
pub mod exemplars;
pub mod facade;
mod family;
mod handle;
pub mod label;
pub mod logging;
pub mod mbeans;
pub mod meter;
pub mod own;
pub mod pools;
pub mod process;
pub mod recent;
mod registry;
pub mod ring;
mod scale;
pub mod spans;
pub mod stage;
mod stage_histograms;
pub mod windowed;

pub use catalogue::Catalogue;
pub use collect::{CollectError, Collector, Samples};
#[doc(hidden)]
pub use declare::__next;
pub use declare::{Declaration, Kind, LabelDeclaration, MBean, Shape};
pub use error::RegisterError;
pub use family::{Family, Owned, Table};
pub use handle::{
    AnyHandle, Counter, During, FloatCounter, FloatGauge, Gauge, Handle, Histogram, InFlight,
};
pub use label::{Domain, EnumLabels, Label, LabelEnum, Labels, Number, Text};
pub use limpid_platform::stamp::Stamp;
pub use mbeans::MBeans;
pub use process::{ProcessBeans, ProcessCollector};
pub use registry::Registry;
pub use stage::{Stage, StageClock, StageTimes};
pub use stage_histograms::StageHistograms;
