//! Declarations: what a metric is, known at compile time.

use crate::label::Domain;

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole events.
    Counter,
    /// A growing sum that is not whole.
    FloatCounter,
    /// A level in whole units.
    Gauge,
    /// A level that is not whole.
    FloatGauge,
    /// A distribution over named buckets.
    Histogram,
    /// A number of which nobody says what it is.
    Untyped,
}

impl Kind {
    /// The word of the exposition format's `# TYPE`.
    pub const fn exposition(self) -> &'static str {
        match self {
            Kind::Counter | Kind::FloatCounter => "counter",
            Kind::Gauge | Kind::FloatGauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Untyped => "untyped",
        }
    }
}

/// One label of a declaration.
#[derive(Clone, Copy, Debug)]
pub struct LabelDeclaration {
    /// Label name.
    pub name: &'static str,
    /// Values it can take.
    pub domain: Domain,
}

/// How Kafka shows a fact in JMX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Yammer gauge: `Value`.
    Gauge,
    /// Yammer gauge in whole percents of a metric that is a ratio: `Value`.
    GaugePercent,
    /// Yammer counter: `Count`.
    Counter,
    /// Yammer meter: `Count`, its rates, `EventType`, `RateUnit`.
    Meter,
    /// Yammer meter of a sum in seconds, with this `EventType`: `Count` in nanoseconds, rates that
    /// are parts of the time.
    TimeMeter(&'static str),
    /// Yammer histogram in the unit of the metric: `Count`, `Min`, `Max`, `Mean`, `StdDev`,
    /// percentiles.
    Histogram,
    /// The same in milliseconds, of a metric in seconds.
    HistogramMs,
    /// Yammer timer of a metric in seconds: the histogram in milliseconds, and a meter of the events.
    Timer,
    /// A Kafka-metric bean, where each metric is one attribute of this name.
    Attribute(&'static str),
    /// The same as a whole number, where Kafka has one.
    AttributeLong(&'static str),
    /// The same in milliseconds, of a metric in seconds.
    AttributeMs(&'static str),
    /// What a counter grew by per second, in the last one or two windows of half a minute.
    AttributeRate(&'static str),
    /// The mean of a histogram in seconds, in milliseconds, over the last minute or two.
    AttributeAvgMs(&'static str),
    /// The largest of a histogram in seconds, in milliseconds, of the last minute or two.
    AttributeMaxMs(&'static str),
}

/// The JMX name of a declaration: an ObjectName with `{label}` in place of label values, or
/// `{stage.mbean}` in place of Kafka's name of a [`Stage`](crate::Stage).
#[derive(Clone, Copy, Debug)]
pub struct MBean {
    /// Template of the ObjectName.
    pub object: &'static str,
    /// Attributes.
    pub shape: Shape,
}

/// One metric family: enumerable without a running broker.
#[derive(Debug)]
pub struct Declaration {
    /// Full name as exposed.
    pub name: &'static str,
    /// Kind.
    pub kind: Kind,
    /// Help as written, with leading blanks; read it through [`help`](Declaration::help).
    pub raw_help: &'static str,
    /// Labels in order.
    pub labels: &'static [LabelDeclaration],
    /// Upper bounds of a histogram's buckets, without `+Inf`; empty for other kinds.
    pub buckets: &'static [f64],
    /// The JMX names of the same fact.
    pub mbeans: &'static [MBean],
    /// Module that declares it.
    pub module: &'static str,
}

impl Declaration {
    /// The HELP text.
    pub const fn help(&self) -> &'static str {
        self.raw_help.trim_ascii()
    }

    /// The crate that declares it.
    pub fn owner(&self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
    }
}

/// Declares the metrics of one subsystem: see the [crate's page](crate) for the syntax.
#[macro_export]
macro_rules! metrics {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])+
                $field_vis:vis $field:ident : $kind:ident $([$buckets:path])?
                    $({ $($label:ident : $domain:ty),+ $(,)? })?
                    = $family:literal
                    $(, mbean $object:literal $shape:ident $($attribute:literal)?)*
            );+ $(;)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $(
                $(#[doc = $help])+
                $field_vis $field: $crate::__metric_type!($kind $($($domain),+)?)
            ),+
        }

        impl $name {
            /// Every metric of this subsystem, for the catalogue.
            pub const DECLARATIONS: &'static [$crate::Declaration] = &[
                $(
                    $crate::Declaration {
                        name: $family,
                        kind: $crate::__metric_kind!($kind),
                        raw_help: concat!($($help),+),
                        labels: &[
                            $($($crate::LabelDeclaration {
                                name: stringify!($label),
                                domain: <$domain as $crate::Label>::DOMAIN,
                            }),+)?
                        ],
                        buckets: $crate::__metric_buckets!($kind $($buckets)?),
                        mbeans: &[$($crate::__mbean!($object $shape $($attribute)?)),*],
                        module: module_path!(),
                    }
                ),+
            ];

            /// Makes the metrics in this registry.
            ///
            /// # Errors
            /// A name is taken: a registry takes each subsystem once.
            pub fn register(
                registry: &$crate::Registry,
            ) -> Result<Self, $crate::RegisterError> {
                let mut declarations = Self::DECLARATIONS.iter();
                // Struct fields are evaluated in the order written: that of the declarations.
                Ok($name {
                    $(
                        $field: $crate::__metric_make!(
                            $kind, $crate::__next(&mut declarations), registry
                            $(, $($domain),+)?
                        )?
                    ),+
                })
            }
        }
    };
}

/// Declares families whose samples a [`Collector`](crate::Collector) reads at scrape time.
///
/// ```
/// limpid_telemetry::families! {
///     /// Families of the example collector.
///     pub mod example {
///         /// Partitions of the topic.
///         PARTITIONS: gauge { topic: limpid_telemetry::Text<2000> } = "example_partitions";
///         /// Brokers in the cluster.
///         BROKERS: gauge = "example_brokers";
///     }
/// }
/// assert_eq!(example::ALL.len(), 2);
/// assert_eq!(example::PARTITIONS.help(), "Partitions of the topic.");
/// ```
#[macro_export]
macro_rules! families {
    (
        $(#[$meta:meta])*
        $vis:vis mod $name:ident {
            $(
                $(#[doc = $help:literal])+
                $family:ident : $kind:ident
                    $({ $($label:ident : $domain:ty),+ $(,)? })?
                    = $text:literal
                    $(, mbean $object:literal $shape:ident $($attribute:literal)?)*
            );+ $(;)?
        }
    ) => {
        $(#[$meta])*
        $vis mod $name {
            #[allow(unused_imports, reason = "label types named without a path")]
            use super::*;
            $(
                $(#[doc = $help])+
                pub static $family: $crate::Declaration = $crate::Declaration {
                    name: $text,
                    kind: $crate::__metric_kind!($kind),
                    raw_help: concat!($($help),+),
                    labels: &[
                        $($($crate::LabelDeclaration {
                            name: stringify!($label),
                            domain: <$domain as $crate::Label>::DOMAIN,
                        }),+)?
                    ],
                    buckets: &[],
                    mbeans: &[$($crate::__mbean!($object $shape $($attribute)?)),*],
                    module: module_path!(),
                };
            )+
            /// All of them, for the catalogue.
            #[allow(dead_code, reason = "a private module may have no catalogue")]
            pub static ALL: &[&$crate::Declaration] = &[$(&$family),+];
        }
    };
}

/// The next declaration while a struct of metrics is made.
#[doc(hidden)]
pub fn __next(from: &mut std::slice::Iter<'static, Declaration>) -> &'static Declaration {
    from.next()
        .expect("as many declarations as fields: one macro writes both")
}

#[doc(hidden)]
#[macro_export]
macro_rules! __metric_kind {
    (counter) => {
        $crate::Kind::Counter
    };
    (float_counter) => {
        $crate::Kind::FloatCounter
    };
    (gauge) => {
        $crate::Kind::Gauge
    };
    (float_gauge) => {
        $crate::Kind::FloatGauge
    };
    (histogram) => {
        $crate::Kind::Histogram
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __metric_handle {
    (counter) => {
        $crate::Counter
    };
    (float_counter) => {
        $crate::FloatCounter
    };
    (gauge) => {
        $crate::Gauge
    };
    (float_gauge) => {
        $crate::FloatGauge
    };
    (histogram) => {
        $crate::Histogram
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __metric_type {
    ($kind:ident) => { $crate::__metric_handle!($kind) };
    ($kind:ident $one:ty) => { $crate::Family<$crate::__metric_handle!($kind), $one> };
    ($kind:ident $($many:ty),+) => {
        $crate::Family<$crate::__metric_handle!($kind), ($($many),+)>
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __metric_make {
    ($kind:ident, $declaration:expr, $registry:expr) => {
        $registry.single::<$crate::__metric_handle!($kind)>($declaration)
    };
    ($kind:ident, $declaration:expr, $registry:expr, $($many:ty),+) => {
        <$crate::__metric_type!($kind $($many),+)>::register($declaration, $registry)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __metric_buckets {
    (histogram $buckets:path) => {
        $buckets
    };
    (histogram) => {
        compile_error!("a histogram names its buckets: histogram[MY_BUCKETS]")
    };
    ($kind:ident) => {
        &[]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __mbean {
    ($object:literal attribute $attribute:literal) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::Attribute($attribute),
        }
    };
    ($object:literal attribute_ms $attribute:literal) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::AttributeMs($attribute),
        }
    };
    ($object:literal attribute_long $attribute:literal) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::AttributeLong($attribute),
        }
    };
    ($object:literal attribute_rate $attribute:literal) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::AttributeRate($attribute),
        }
    };
    ($object:literal attribute_avg_ms $attribute:literal) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::AttributeAvgMs($attribute),
        }
    };
    ($object:literal attribute_max_ms $attribute:literal) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::AttributeMaxMs($attribute),
        }
    };
    ($object:literal time_meter $event:literal) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::TimeMeter($event),
        }
    };
    ($object:literal gauge) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::Gauge,
        }
    };
    ($object:literal gauge_percent) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::GaugePercent,
        }
    };
    ($object:literal counter) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::Counter,
        }
    };
    ($object:literal meter) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::Meter,
        }
    };
    ($object:literal histogram) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::Histogram,
        }
    };
    ($object:literal timer) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::Timer,
        }
    };
    ($object:literal histogram_ms) => {
        $crate::MBean {
            object: $object,
            shape: $crate::Shape::HistogramMs,
        }
    };
}
