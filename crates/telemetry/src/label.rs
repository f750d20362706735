//! Label values: closed sets (enums) and bounded text.
//!
//! Nothing here takes a free string: a label value is either an enum with static names or text
//! that its family caps in number and length, because client-chosen values are attacker input.

use std::borrow::Cow;

/// Longest label value in bytes; longer text is cut at a character boundary.
///
/// Kafka's topic names end at 249 bytes, so none of them is cut.
pub const LABEL_VALUE_BYTES_MAX: usize = 256;

/// The value that text labels take once their family is full.
pub const OVERFLOW: &str = "other";

/// Which values a label can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A closed set with at most this many members.
    Enum(usize),
    /// Any text, at most this many distinct label sets in the family.
    Text(usize),
}

impl Domain {
    /// The declared maximum of distinct values.
    pub const fn cap(self) -> usize {
        match self {
            Domain::Enum(cap) | Domain::Text(cap) => cap,
        }
    }
}

/// An enum used as a label. Implement it with [`label_enum!`](crate::label_enum), or by hand on a
/// newtype around an enum of another crate.
pub trait LabelEnum: Copy + 'static {
    /// Every index is below this; the indexes may have gaps.
    const COUNT: usize;
    /// Position in a table of handles.
    fn index(self) -> usize;
    /// The label value.
    fn as_str(self) -> &'static str;
}

/// One label: what it accepts and the text of a value.
pub trait Label {
    /// What a caller passes when binding.
    type In<'a>;
    /// The values it can take.
    const DOMAIN: Domain;
    /// The text of a value, not yet shortened.
    fn text<'a>(value: Self::In<'a>) -> Cow<'a, str>;
}

impl<E: LabelEnum> Label for E {
    type In<'a> = E;
    const DOMAIN: Domain = Domain::Enum(E::COUNT);
    fn text<'a>(value: Self::In<'a>) -> Cow<'a, str> {
        Cow::Borrowed(value.as_str())
    }
}

/// A label of free text; its family holds at most `CAP` label sets, then the text becomes
/// [`OVERFLOW`]. Name the cap: `const TOPICS_MAX: usize = 2_000; type Topic = Text<TOPICS_MAX>;`.
pub struct Text<const CAP: usize>;

impl<const CAP: usize> Label for Text<CAP> {
    type In<'a> = &'a str;
    const DOMAIN: Domain = Domain::Text(CAP);
    fn text<'a>(value: Self::In<'a>) -> Cow<'a, str> {
        Cow::Borrowed(value)
    }
}

/// A label of whole numbers (partition, broker id), bounded like [`Text`].
pub struct Number<const CAP: usize>;

impl<const CAP: usize> Label for Number<CAP> {
    type In<'a> = i64;
    const DOMAIN: Domain = Domain::Text(CAP);
    fn text<'a>(value: Self::In<'a>) -> Cow<'a, str> {
        Cow::Owned(value.to_string())
    }
}

/// A label set: one [`Label`] or a tuple of up to four.
pub trait Labels {
    /// What a caller passes when binding.
    type In<'a>;
    /// Domains in the order of the declaration.
    fn domains() -> Vec<Domain>;
    /// Texts in the order of the declaration.
    fn texts<'a>(values: Self::In<'a>) -> Vec<Cow<'a, str>>;
}

/// A label set of enums only: its handles fit a table indexed without hashing.
pub trait EnumLabels: Labels {
    /// Size of the table.
    const COUNT: usize;
    /// Position in the table.
    fn index(values: &Self::In<'_>) -> usize;
}

impl<A: Label> Labels for A {
    type In<'a> = A::In<'a>;
    fn domains() -> Vec<Domain> {
        vec![A::DOMAIN]
    }
    fn texts<'a>(values: A::In<'a>) -> Vec<Cow<'a, str>> {
        vec![A::text(values)]
    }
}

impl<A: LabelEnum> EnumLabels for A {
    const COUNT: usize = A::COUNT;
    fn index(values: &A) -> usize {
        LabelEnum::index(*values)
    }
}

macro_rules! label_tuple {
    ($($name:ident $at:tt),+) => {
        impl<$($name: Label),+> Labels for ($($name,)+) {
            type In<'a> = ($($name::In<'a>,)+);
            fn domains() -> Vec<Domain> {
                vec![$($name::DOMAIN),+]
            }
            fn texts<'a>(values: Self::In<'a>) -> Vec<Cow<'a, str>> {
                vec![$($name::text(values.$at)),+]
            }
        }
        impl<$($name: LabelEnum),+> EnumLabels for ($($name,)+) {
            const COUNT: usize = 1 $(* <$name as LabelEnum>::COUNT)+;
            fn index(values: &Self::In<'_>) -> usize {
                let mut index = 0;
                $(index = index * <$name as LabelEnum>::COUNT + LabelEnum::index(values.$at);)+
                index
            }
        }
    };
}
label_tuple!(A 0, B 1);
label_tuple!(A 0, B 1, C 2);
label_tuple!(A 0, B 1, C 2, D 3);

/// Cuts a label value to [`LABEL_VALUE_BYTES_MAX`] at a character boundary.
pub(crate) fn shortened(value: Cow<'_, str>) -> Cow<'_, str> {
    if value.len() <= LABEL_VALUE_BYTES_MAX {
        return value;
    }
    let end = value.floor_char_boundary(LABEL_VALUE_BYTES_MAX);
    Cow::Owned(value[..end].to_owned())
}

/// Declares an enum whose members are label values.
///
/// ```
/// limpid_telemetry::label_enum! {
///     /// Why a connection was closed.
///     pub enum CloseCause {
///         /// The peer closed it.
///         Peer = "peer",
///         /// It was silent for longer than `connections.max.idle.ms`.
///         Idle = "idle",
///     }
/// }
/// use limpid_telemetry::LabelEnum;
/// assert_eq!(CloseCause::Idle.as_str(), "idle");
/// assert_eq!(CloseCause::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! label_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$member_meta:meta])* $member:ident = $text:literal ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name {
            $( $(#[$member_meta])* $member ),+
        }
        #[allow(dead_code, reason = "a closed set is also a list, used or not")]
        impl $name {
            /// Every member, in the order of declaration.
            $vis const ALL: &'static [$name] = &[$($name::$member),+];
        }
        impl $crate::LabelEnum for $name {
            const COUNT: usize = $name::ALL.len();
            fn index(self) -> usize {
                self as usize
            }
            fn as_str(self) -> &'static str {
                match self {
                    $($name::$member => $text),+
                }
            }
        }
    };
}
