//! The exposition writer: text 0.0.4 and OpenMetrics 1.0 from the same calls.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::sync::Arc;

use limpid_telemetry::collect::{Number64, escape_label};
use limpid_telemetry::exemplars::{Exemplar, Exemplars, Slots};
use prometheus::proto::{Metric, MetricFamily, MetricType};

use crate::accept::Format;
use crate::numbers::{end_line, push_float, push_whole};

/// Room for a value, with the space before it and the end of the line.
const VALUE_BYTES: usize = 24;

/// A page that is being written. No family and no series can get onto it twice.
pub(crate) struct Writer {
    /// Text, but looked at as such only once, when it is whole.
    out: Vec<u8>,
    /// Memory for a number.
    number: String,
    format: Format,
    /// Names taken: in OpenMetrics a counter `x_total` is the family `x`.
    families: HashSet<String>,
    /// Text 0.0.4 has none.
    exemplars: Option<Arc<Exemplars>>,
}

/// The head of a family.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub name: &'a str,
    pub help: &'a str,
    /// The word of text 0.0.4: `counter`, `gauge`, `histogram`.
    pub kind: &'static str,
}

impl Writer {
    pub(crate) fn new(format: Format, capacity: usize) -> Self {
        Writer {
            out: Vec::with_capacity(capacity),
            number: String::new(),
            format,
            families: HashSet::new(),
            exemplars: None,
        }
    }

    /// Histograms of the registry get these, if the format has room for them.
    pub(crate) fn with_exemplars(mut self, exemplars: &Arc<Exemplars>) -> Self {
        let has_room = self.format == Format::OpenMetrics;
        self.exemplars = has_room.then(|| Arc::clone(exemplars));
        self
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// Ends the page.
    pub(crate) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.extend_from_slice(b"# EOF\n");
        }
        String::from_utf8(self.out).expect("pieces of text are text")
    }

    /// Opens a family; `false` (and nothing written) when its name is taken.
    pub(crate) fn open(&mut self, head: Head<'_>) -> bool {
        let (name, kind) = match self.format {
            Format::Text => (head.name, head.kind),
            Format::OpenMetrics => self.openmetrics_head(head),
        };
        if !self.families.insert(name.to_owned()) {
            return false;
        }
        let quotes = self.format == Format::OpenMetrics;
        let mut help = String::with_capacity(head.help.len());
        escape_help(head.help, quotes, &mut help);
        let written = write!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        written.expect("writing to memory");
        true
    }

    /// A counter's family is named without `_total` and one that has no such suffix can't be a
    /// counter there; neither can one whose short name another family has.
    fn openmetrics_head<'a>(&self, head: Head<'a>) -> (&'a str, &'static str) {
        match head.kind {
            "counter" => {}
            "untyped" => return (head.name, "unknown"),
            other => return (head.name, other),
        }
        match head.name.strip_suffix("_total") {
            Some(short) if !self.families.contains(short) => (short, "counter"),
            _ => (head.name, "unknown"),
        }
    }

    /// Writes a sample; `labels` is empty or an escaped `{…}`.
    pub(crate) fn sample(&mut self, name: &str, labels: &str, value: Number64) {
        self.sample_of(name, labels, value, None);
    }

    fn sample_of(&mut self, name: &str, labels: &str, value: Number64, exemplar: Option<Exemplar>) {
        self.out.reserve(name.len() + labels.len() + VALUE_BYTES);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(labels.as_bytes());
        if let (Number64::Int(v), None) = (value, &exemplar) {
            return end_line(v, &mut self.out);
        }
        self.number.clear();
        match value {
            Number64::Int(v) => push_whole(v, &mut self.number),
            Number64::Float(v) => push_float(v, &mut self.number),
        }
        self.out.push(b' ');
        self.out.extend_from_slice(self.number.as_bytes());
        if let Some(Exemplar { value, at, trace }) = exemplar {
            let (id, span) = (
                u128::from_be_bytes(trace.trace_id),
                u64::from_be_bytes(trace.span_id),
            );
            write!(
                self.out,
                " # {{trace_id=\"{id:032x}\",span_id=\"{span:016x}\"}} {value} {at:.3}"
            )
            .expect("writing to memory");
        }
        self.out.push(b'\n');
    }

    /// Writes a family of the registry; how many series (a histogram counts each bucket).
    pub(crate) fn registered(&mut self, family: &MetricFamily) -> usize {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::HISTOGRAM => "histogram",
            _ => "gauge",
        };
        let (name, help) = (family.name(), family.help());
        if !self.open(Head { name, help, kind }) {
            return 0;
        }
        let mut series = 0;
        let mut labels = String::new();
        let exemplars = match (&self.exemplars, family.get_field_type()) {
            (Some(all), MetricType::HISTOGRAM) => all.of(name),
            _ => HashMap::new(),
        };
        for metric in family.get_metric() {
            labels.clear();
            push_labels(metric, &mut labels);
            series += match family.get_field_type() {
                MetricType::COUNTER => {
                    self.sample(name, &labels, number(metric.get_counter().get_value()));
                    1
                }
                MetricType::HISTOGRAM => {
                    let slots = exemplars.get(labels.as_str()).map(Arc::as_ref);
                    self.histogram(name, &labels, metric, slots)
                }
                _ => {
                    self.sample(name, &labels, number(metric.get_gauge().get_value()));
                    1
                }
            };
        }
        series
    }

    fn histogram(
        &mut self,
        name: &str,
        labels: &str,
        metric: &Metric,
        exemplars: Option<&Slots>,
    ) -> usize {
        let histogram = metric.get_histogram();
        let bucket = format!("{name}_bucket");
        let mut block = String::with_capacity(labels.len() + 16);
        let mut series = 2;
        let bounds = histogram
            .get_bucket()
            .iter()
            .map(|b| (b.upper_bound(), b.cumulative_count()));
        let infinite = (f64::INFINITY, histogram.get_sample_count());
        for (bound, count) in bounds.filter(|b| b.0.is_finite()).chain([infinite]) {
            block.clear();
            block.push_str(if labels.is_empty() {
                "{"
            } else {
                &labels[..labels.len() - 1]
            });
            block.push_str(if labels.is_empty() { "le=\"" } else { ",le=\"" });
            push_float(bound, &mut block);
            if self.format == Format::OpenMetrics && bound.is_finite() && bound.fract() == 0.0 {
                block.push_str(".0"); // OpenMetrics' canonical form of a bound
            }
            block.push_str("\"}");
            let exemplar = exemplars.and_then(|slots| slots.below(bound));
            self.sample_of(&bucket, &block, count.into(), exemplar);
            series += 1;
        }
        let sum = Number64::Float(histogram.get_sample_sum());
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(
            &format!("{name}_count"),
            labels,
            histogram.get_sample_count().into(),
        );
        series
    }
}

/// How many series a family of the registry has (a histogram counts each bucket).
pub(crate) fn series_of(family: &MetricFamily) -> usize {
    let of = |metric: &Metric| match family.get_field_type() {
        MetricType::HISTOGRAM => {
            let buckets = metric.get_histogram().get_bucket().iter();
            buckets.filter(|b| b.upper_bound().is_finite()).count() + 3
        }
        _ => 1,
    };
    family.get_metric().iter().map(of).sum()
}

/// The registry keeps whole numbers as floats; those that are exact are written without fraction.
fn number(value: f64) -> Number64 {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    if value.fract() == 0.0 && value.abs() < EXACT {
        Number64::Int(value as i64)
    } else {
        Number64::Float(value)
    }
}

fn push_labels(metric: &Metric, out: &mut String) {
    for (i, pair) in metric.get_label().iter().enumerate() {
        out.push_str(if i == 0 { "{" } else { "," });
        out.push_str(pair.name());
        out.push_str("=\"");
        escape_label(pair.value(), out);
        out.push('"');
    }
    if !metric.get_label().is_empty() {
        out.push('}');
    }
}

fn escape_help(help: &str, quotes: bool, out: &mut String) {
    for c in help.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;
