//! Where Limpid's answers may differ from Apache Kafka 4.3's, and why.
//!
//! A difference that is not in this list fails the test, and so does an entry that no answer
//! needs any more.

/// On which side a field that only one answer has may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Both answers have the field, with different values.
    Both,
    /// Only Kafka's answer has it.
    OnlyKafka,
    /// Only Limpid's answer has it.
    OnlyLimpid,
}

/// One allowed kind of difference.
#[derive(Debug)]
pub struct Difference {
    /// The API's name.
    pub api: &'static str,
    /// Name of the case; `*` stands for any text, also within.
    pub case: &'static str,
    /// Path of the field; `*` as above.
    pub path: &'static str,
    /// Who has the field.
    pub side: Where,
    /// Why the difference is right.
    pub reason: &'static str,
}

/// The list.
pub const ALLOWED: &[Difference] = &[];

/// Lists whose order Kafka leaves to a hash table: API and path.
pub const UNORDERED: &[(&str, &str)] = &[
    ("Produce", "*partition_responses.order"),
    ("DeleteTopics", "responses.order"),
];
