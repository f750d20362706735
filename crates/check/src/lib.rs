//! Whether the panels and rules that somebody has will show something with Limpid.
//!
//! [`dashboard`](read::dashboard) and [`rules`](read::rules) find the PromQL of a Grafana dashboard, a rule
//! file or a PrometheusRule; [`check`] holds every expression against the families that a broker has
//! in all its dialects, and says what must be changed where one would stay empty. Nothing is asked of a
//! running broker or of Prometheus.
//!
//! What must never be here: names of families. They are those of docs/METRICS.md and docs/dialects.md, which
//! tests hold against the code.

pub mod families;
mod foreign;
pub mod promql;
pub mod read;
pub mod report;
pub mod verdict;

pub use families::Families;
pub use read::{Query, ReadError};
pub use report::Report;
pub use verdict::{Verdict, check};
