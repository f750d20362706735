//! Label blocks as they stand on a page, read again: whose sample is it?

/// How dialects call a group, a topic and a partition.
const GROUP: [&str; 4] = ["group", "consumergroup", "consumer_group", "group_id"];
const TOPIC: [&str; 2] = ["topic", "topic_name"];
const PARTITION: [&str; 2] = ["partition", "partition_id"];
/// Who reads a partition, beside the group: gone when partitions are added up.
const READER: [&str; 3] = ["member_host", "consumer_id", "client_id"];

/// What a sample is about; values as they are written, with their escapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) group: Option<&'a str>,
    pub(crate) topic: Option<&'a str>,
    pub(crate) partition: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// Reads it from a label block.
    pub(crate) fn of(block: &'a str) -> Self {
        let mut place = Place::default();
        for (name, value) in pairs(block) {
            if PARTITION.contains(&name) {
                place.partition = Some(value);
            } else if TOPIC.contains(&name) {
                place.topic = Some(value);
            } else if GROUP.contains(&name) {
                place.group = Some(value);
            }
        }
        place
    }
}

/// The labels of a block, values with their escapes.
pub(crate) fn pairs(block: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = block.strip_prefix('{').unwrap_or("");
    std::iter::from_fn(move || {
        let (name, from) = rest.split_once("=\"")?;
        let end = closing_quote(from)?;
        rest = from[end + 1..].trim_start_matches(',');
        Some((name, &from[..end]))
    })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(['"', '\\'])?;
        match text.as_bytes()[at] {
            b'"' => return Some(at),
            // What is escaped is one byte: a backslash, a quote or an n.
            _ => from = at + 2,
        }
        if from > text.len() {
            return None;
        }
    }
}

/// Writes the block that a partition's sample has once partitions are added up.
pub(crate) fn without_partition(block: &str, out: &mut String) {
    let kept = pairs(block).filter(|(name, _)| !PARTITION.contains(name) && !READER.contains(name));
    for (at, (name, value)) in kept.enumerate() {
        out.push_str(if at == 0 { "{" } else { "," });
        out.push_str(name);
        out.push_str("=\"");
        out.push_str(value);
        out.push('"');
    }
    if !out.is_empty() {
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use limpid_telemetry::collect::label_block;

    use super::*;

    #[test]
    fn blocks_are_read_as_they_were_written() {
        let labels = [
            ("a", "1\\\"\n,x=\"y\\"),
            ("empty", ""),
            ("b", "{}"),
            ("c", "ü\\"),
        ];
        let mut block = String::new();
        label_block(labels.into_iter(), &mut block);
        let read: Vec<_> = pairs(&block).collect();
        let expected = [
            ("a", "1\\\\\\\"\\n,x=\\\"y\\\\"),
            ("b", "{}"),
            ("c", "ü\\\\"),
        ];
        assert_eq!(read, expected);
        assert_eq!(pairs("").count(), 0);
        assert_eq!(pairs("{a=\"never closed\\").count(), 0);
    }

    #[test]
    fn every_dialect_says_whose_sample_it_is() {
        let block = "{cluster_name=\"c\",group=\"g\",topic=\"t\",partition=\"7\",client_id=\"x\"}";
        let place = Place {
            group: Some("g"),
            topic: Some("t"),
            partition: Some("7"),
        };
        assert_eq!(Place::of(block), place);
        let kminion = "{group_id=\"g\",topic_name=\"t\",partition_id=\"7\"}";
        assert_eq!(Place::of(kminion), place);
        let mut summed = String::new();
        without_partition(block, &mut summed);
        assert_eq!(summed, "{cluster_name=\"c\",group=\"g\",topic=\"t\"}");
        summed.clear();
        without_partition("{partition=\"1\"}", &mut summed);
        assert_eq!(summed, "");
    }
}
