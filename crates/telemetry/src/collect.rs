//! Collectors: state that is read when somebody scrapes, not counted when it changes.

use std::borrow::Cow;
use std::time::Duration;

use crate::declare::Declaration;
use crate::label::shortened;

/// Why a collector has nothing to show; its own `limpid_collector_up` becomes 0.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CollectError(pub Cow<'static, str>);

/// Reads one kind of state at scrape time. Runs on the HTTP runtime: take a snapshot, don't wait
/// for the data path.
pub trait Collector: Send + Sync {
    /// The value of the label `collector`.
    fn name(&self) -> &'static str;
    /// Families it can give, for the catalogue.
    fn families(&self) -> &'static [&'static Declaration];
    /// Writes all samples of one scrape.
    ///
    /// # Errors
    /// The state can't be read; nothing written in this call is shown.
    fn collect(&self, out: &mut Samples) -> Result<(), CollectError>;
}

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number64 {
    /// Written without a fraction.
    Int(i64),
    /// Written with one; NaN and infinities as the exposition formats spell them.
    Float(f64),
}

impl From<i64> for Number64 {
    fn from(v: i64) -> Self {
        Number64::Int(v)
    }
}
impl From<i32> for Number64 {
    fn from(v: i32) -> Self {
        Number64::Int(v.into())
    }
}
impl From<u32> for Number64 {
    fn from(v: u32) -> Self {
        Number64::Int(v.into())
    }
}
impl From<u64> for Number64 {
    fn from(v: u64) -> Self {
        i64::try_from(v).map_or(Number64::Float(v as f64), Number64::Int)
    }
}
impl From<usize> for Number64 {
    fn from(v: usize) -> Self {
        Number64::from(v as u64)
    }
}
impl From<bool> for Number64 {
    fn from(v: bool) -> Self {
        Number64::Int(v.into())
    }
}
impl From<f64> for Number64 {
    fn from(v: f64) -> Self {
        Number64::Float(v)
    }
}
impl From<Duration> for Number64 {
    fn from(v: Duration) -> Self {
        Number64::Float(v.as_secs_f64())
    }
}

/// What a collector wrote: label blocks already escaped, grouped by family.
#[derive(Debug, Default)]
pub struct Samples {
    families: Vec<FamilySamples>,
    age: Option<Duration>,
}

/// The samples of one family.
#[derive(Debug)]
pub struct FamilySamples {
    /// What they belong to.
    pub declaration: &'static Declaration,
    text: String,
    samples: Vec<(usize, Number64)>,
    left_out: usize,
}

impl Samples {
    /// An empty set.
    pub fn new() -> Self {
        Samples::default()
    }

    /// The family to write samples of; asking twice continues the same one.
    pub fn family(&mut self, declaration: &'static Declaration) -> &mut FamilySamples {
        let same = |f: &FamilySamples| f.declaration.name == declaration.name;
        let at = match self.families.iter().position(same) {
            Some(at) => at,
            None => {
                let (text, samples) = (String::new(), Vec::new());
                self.families.push(FamilySamples {
                    declaration,
                    text,
                    samples,
                    left_out: 0,
                });
                self.families.len() - 1
            }
        };
        &mut self.families[at]
    }

    /// How old the state is that was read (`limpid_snapshot_age_seconds`); 0 unless set.
    pub fn set_age(&mut self, age: Duration) {
        self.age = Some(age);
    }

    /// Age as set.
    pub fn age(&self) -> Duration {
        self.age.unwrap_or_default()
    }

    /// Families in the order they were first asked for.
    pub fn families(&self) -> &[FamilySamples] {
        &self.families
    }
}

impl FamilySamples {
    /// Adds a sample; label values in the order of the declaration. An empty value is no label,
    /// which is the same series to Prometheus; a long one is cut.
    ///
    /// # Panics
    /// The number of values is not the number of declared labels.
    pub fn add(&mut self, values: &[&str], value: impl Into<Number64>) {
        assert_eq!(
            values.len(),
            self.declaration.labels.len(),
            "{}",
            self.declaration.name
        );
        let labels = self.declaration.labels.iter().zip(values);
        let mut open = "{";
        for (label, text) in labels.filter(|(_, text)| !text.is_empty()) {
            self.text.push_str(open);
            self.text.push_str(label.name);
            self.text.push_str("=\"");
            escape_label(&shortened(Cow::Borrowed(text)), &mut self.text);
            self.text.push('"');
            open = ",";
        }
        if open == "," {
            self.text.push('}');
        }
        self.samples.push((self.text.len(), value.into()));
    }

    /// `({label="value",…}, value)` of each sample, escaped and ready to be written after a name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Number64)> {
        let starts = std::iter::once(0).chain(self.samples.iter().map(|s| s.0));
        let slice =
            |(start, &(end, value)): (usize, &(usize, Number64))| (&self.text[start..end], value);
        starts.zip(&self.samples).map(slice)
    }

    /// So many samples were left out because of a limit (`limpid_series_dropped_total`).
    pub fn leave_out(&mut self, samples: usize) {
        self.left_out += samples;
    }

    /// How many were left out.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

/// Escapes a label value as both exposition formats want it.
pub fn escape_label(value: &str, out: &mut String) {
    for part in value.split_inclusive(['\\', '"', '\n']) {
        match part.as_bytes()[part.len() - 1] {
            b'\n' => {
                out.push_str(&part[..part.len() - 1]);
                out.push_str("\\n");
            }
            special @ (b'\\' | b'"') => {
                out.push_str(&part[..part.len() - 1]);
                out.push('\\');
                out.push(special as char);
            }
            _ => out.push_str(part),
        }
    }
}

#[cfg(test)]
mod tests;
