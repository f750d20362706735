//! Collectors: state that is read when somebody scrapes, not counted when it changes.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use limpid_platform::mixing::Mixing;

use crate::declare::{Declaration, Kind, LabelDeclaration};
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

/// What a family is called.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its name.
    pub name: Cow<'static, str>,
    /// The HELP text.
    pub help: Cow<'static, str>,
    /// Its type.
    pub kind: Kind,
}

impl From<&'static Declaration> for Head {
    fn from(d: &'static Declaration) -> Self {
        Self {
            name: Cow::Borrowed(d.name),
            help: Cow::Borrowed(d.help()),
            kind: d.kind,
        }
    }
}

/// What a collector wrote: label blocks already escaped, grouped by family.
#[derive(Debug, Default)]
pub struct Samples {
    families: Vec<FamilySamples>,
    /// The one that was asked for last.
    last: usize,
    age: Option<Duration>,
}

/// The samples of one family.
#[derive(Clone, Debug)]
pub struct FamilySamples {
    head: Head,
    labels: &'static [LabelDeclaration],
    text: String,
    /// Where the label block of each sample ends.
    ends: Vec<u32>,
    values: Vec<Number64>,
    left_out: usize,
}

impl Samples {
    /// An empty set.
    pub fn new() -> Self {
        Samples::default()
    }

    /// The family to write samples of; asking twice continues the same one.
    pub fn family(&mut self, declaration: &'static Declaration) -> &mut FamilySamples {
        // The same declaration, or another one of this name.
        let told = |f: &FamilySamples| std::ptr::eq(&*f.head.name, declaration.name);
        let same = |f: &FamilySamples| f.head.name == declaration.name;
        // Collectors ask for their families in the same order again and again: for the next one, or for one
        // a few before.
        let (before, after) = self.families.split_at(self.last);
        let next = after.iter().position(told).map(|next| self.last + next);
        let known = next.or_else(|| before.iter().rposition(told));
        match known.or_else(|| self.families.iter().position(same)) {
            Some(at) => {
                self.last = at;
                &mut self.families[at]
            }
            None => {
                let family = self.add(declaration.into());
                family.labels = declaration.labels;
                family
            }
        }
    }

    /// A further family, whose name is known at run time only. Nobody looks whether it is there already.
    pub fn add(&mut self, head: Head) -> &mut FamilySamples {
        self.push(FamilySamples::new(head));
        self.families.last_mut().expect("it was just added")
    }

    /// A further family with its samples.
    pub fn push(&mut self, family: FamilySamples) {
        self.families.push(family);
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

    /// The same, to be kept.
    pub fn into_families(self) -> Vec<FamilySamples> {
        self.families
    }
}

impl FamilySamples {
    /// A family without samples, whose label blocks come ready.
    pub fn new(head: Head) -> Self {
        Self {
            head,
            labels: &[],
            text: String::new(),
            ends: Vec::new(),
            values: Vec::new(),
            left_out: 0,
        }
    }

    /// What it is called.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Adds a sample with a label block that [`label_block`] made.
    pub fn add_block(&mut self, labels: &str, value: Number64) {
        self.text.push_str(labels);
        self.push(value);
    }

    fn push(&mut self, value: Number64) {
        let end = u32::try_from(self.text.len());
        self.ends
            .push(end.expect("the labels of a family are less than 4 GiB"));
        self.values.push(value);
    }

    /// Adds a sample; label values in the order of the declaration. An empty value is no label,
    /// which is the same series to Prometheus; a long one is cut.
    ///
    /// # Panics
    /// The number of values is not the number of declared labels.
    pub fn add(&mut self, values: &[&str], value: impl Into<Number64>) {
        assert_eq!(values.len(), self.labels.len(), "{}", self.head.name);
        labels_of(self.labels, values, &mut self.text);
        self.push(value.into());
    }

    /// Adds a sample with the labels of another family's: what has a series in several families has its
    /// block written once.
    pub fn add_like(&mut self, block: &Block, value: impl Into<Number64>) {
        let is_alike = block.labels.len() == self.labels.len();
        assert!(is_alike, "{}", self.head.name);
        self.add_block(&block.text, value.into());
    }

    /// `({label="value",…}, value)` of each sample, escaped and ready to be written after a name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Number64)> {
        let mut start = 0;
        self.ends.iter().zip(&self.values).map(move |(end, value)| {
            let end = *end as usize;
            let block = &self.text[start..end];
            start = end;
            (block, *value)
        })
    }

    /// The same, but each label block once: the first sample that has it.
    pub fn unique(&self) -> impl Iterator<Item = (&str, Number64)> {
        let mut last: Option<(&str, &str)> = None;
        let mut seen: Option<HashSet<&str, Mixing>> = None;
        self.iter().enumerate().filter_map(move |(at, sample)| {
            let labels = sample.0;
            if seen.is_none() {
                let place = place(labels);
                if last.is_none_or(|last| comes_before(last, place)) {
                    last = Some(place);
                    return Some(sample);
                }
            }
            // Not in order: then all that came have to be known.
            let seen = seen.get_or_insert_with(|| {
                let before = self.iter().take(at).map(|(labels, _)| labels);
                let mut seen = HashSet::with_capacity_and_hasher(self.len(), Mixing::default());
                seen.extend(before);
                seen
            });
            seen.insert(labels).then_some(sample)
        })
    }

    /// The same family without samples.
    pub fn emptied(&self) -> Self {
        Self {
            head: self.head.clone(),
            labels: self.labels,
            text: String::new(),
            ends: Vec::new(),
            values: Vec::new(),
            left_out: self.left_out,
        }
    }

    /// Keeps the samples whose label blocks pass.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        let mut kept = self.emptied();
        let passing = self.iter().filter(|(labels, _)| keep(labels));
        passing.for_each(|(labels, value)| kept.add_block(labels, value));
        *self = kept;
    }

    /// About how many bytes it takes on a page.
    pub fn page_bytes(&self) -> usize {
        const VALUE: usize = 12;
        let head = 2 * self.head.name.len() + self.head.help.len() + 32;
        head + self.text.len() + self.values.len() * (self.head.name.len() + VALUE)
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
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// The labels of something that has series in several families, which name them alike.
#[derive(Debug)]
pub struct Block {
    labels: &'static [LabelDeclaration],
    text: String,
    /// Where the value of the last label begins.
    last: usize,
}

impl Block {
    /// For the labels of this family.
    pub fn of(declaration: &'static Declaration) -> Self {
        Self {
            labels: declaration.labels,
            text: String::new(),
            last: 0,
        }
    }

    /// Describes parts of another thing from now on: the values of all labels but the last, which
    /// [`part`](Self::part) tells.
    ///
    /// # Panics
    /// The number of values is not the number of the other labels.
    pub fn thing(&mut self, values: &[&str]) {
        let (last, others) = self.labels.split_last().expect("a label of its parts");
        assert_eq!(values.len(), others.len(), "a value for each label");
        self.text.clear();
        labels_of(others, values, &mut self.text);
        // The block goes on behind them.
        let open = if self.text.pop().is_some() { "," } else { "{" };
        self.text.push_str(open);
        self.text.push_str(last.name);
        self.text.push_str("=\"");
        self.last = self.text.len();
    }

    /// Describes this part of the thing, which has a name: the value of the last label.
    pub fn part(&mut self, value: &str) {
        self.text.truncate(self.last);
        escape_label(&shortened(Cow::Borrowed(value)), &mut self.text);
        self.text.push_str("\"}");
    }
}

/// A label block in two parts: its last value is mostly a number.
fn place(labels: &str) -> (&str, &str) {
    let end = labels.bytes().rposition(|byte| byte == b'=');
    labels.split_at(end.unwrap_or(0))
}

/// An order of label blocks in which collectors tell of partitions: topics by name, 9 before 10. What rises
/// in it has nothing twice, and nothing has to be remembered to know that.
fn comes_before(one: (&str, &str), other: (&str, &str)) -> bool {
    let by_last = || (one.1.len(), one.1).cmp(&(other.1.len(), other.1));
    one.0.cmp(other.0).then_with(by_last).is_lt()
}

fn labels_of(labels: &[LabelDeclaration], values: &[&str], out: &mut String) {
    let names = labels.iter().map(|label| label.name);
    label_block(names.zip(values.iter().copied()), out);
}

/// Writes `{name="value",…}`, escaped; nothing when there is no label with a value.
pub fn label_block<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>, out: &mut String) {
    let mut open = "{";
    for (name, value) in labels.filter(|(_, value)| !value.is_empty()) {
        out.reserve(name.len() + value.len() + "{=\"\"}".len());
        out.push_str(open);
        out.push_str(name);
        out.push_str("=\"");
        escape_label(&shortened(Cow::Borrowed(value)), out);
        out.push('"');
        open = ",";
    }
    if open == "," {
        out.push('}');
    }
}

/// Escapes a label value as both exposition formats want it.
pub fn escape_label(value: &str, out: &mut String) {
    // All bytes are looked at, since that is many at a time; hardly a name has one of these.
    let is_special = |byte: &u8| matches!(byte, b'\\' | b'"' | b'\n');
    if !value
        .as_bytes()
        .iter()
        .fold(false, |any, byte| any | is_special(byte))
    {
        out.push_str(value);
        return;
    }
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
