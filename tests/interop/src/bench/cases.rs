//! What can be measured: the rows of the project's goals, and a matrix around one of them.

/// Cases that share a broker process, so that starting and warming it is paid for once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// Starting, writing and reading in bulk, and the memory that takes.
    Bulk,
    /// Records that somebody waits for.
    Waits,
    /// One dimension at a time.
    Matrix,
}

impl Session {
    /// In their order.
    pub const ALL: [Self; 3] = [Self::Bulk, Self::Waits, Self::Matrix];
}

/// Bulk writing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Write {
    /// How many records at scale 1.
    pub records: u64,
    /// How large each is.
    pub bytes: usize,
    /// Into how many partitions.
    pub partitions: i32,
    /// `acks`.
    pub acks: &'static str,
    /// `compression.type`.
    pub compression: &'static str,
    /// Further properties of the client.
    pub more: &'static [(&'static str, &'static str)],
    /// Whether to go to the listener with TLS.
    pub tls: bool,
}

/// What is done in a case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Work {
    /// Start to first acknowledged record.
    Start,
    /// Resident memory, idle and after the other cases of the session.
    Memory,
    /// librdkafka's producer.
    Librdkafka(Write),
    /// Kafka's `ProducerPerformance`.
    Java(Write),
    /// Kafka's `ConsumerPerformance`.
    JavaRead,
    /// librdkafka's consumer with an assignment.
    LibrdkafkaRead,
    /// Kafka's `EndToEndLatency`, which tells whole milliseconds.
    Tool,
    /// The same with sockets of our own, in microseconds.
    EndToEnd,
    /// Producers with one record in flight each.
    Writers {
        /// How many, each on a connection of its own.
        producers: usize,
        /// Into how many partitions.
        partitions: i32,
        /// Whether the topic has `flush.messages=1`.
        fsync: bool,
    },
    /// Records by the clock at shares of Kafka's saturation.
    OpenLoop,
}

/// Something that can be asked for by its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// Where it is measured.
    pub session: Session,
    /// What is done.
    pub work: Work,
    /// How long it takes with Kafka at scale 1, roughly; for the time that is left.
    pub seconds: f64,
}

/// What the table's writers have in common.
const SMALL: Write = Write {
    records: 10_000_000,
    bytes: 100,
    partitions: 6,
    acks: "1",
    compression: "none",
    more: &[],
    tls: false,
};
/// At scale 1 no case is over in less than some ten seconds.
const LINGERING: Write = Write {
    records: 25_000_000,
    more: &[("linger.ms", "5")],
    ..SMALL
};
const KIB: Write = Write {
    records: 2_000_000,
    bytes: 1_024,
    acks: "all",
    more: &[("batch.size", "65536")],
    ..SMALL
};
/// What the matrix varies.
const CELL: Write = Write {
    records: 5_000_000,
    ..LINGERING
};
const JAVA_CELL: Write = Write {
    records: 5_000_000,
    ..SMALL
};

const fn case(name: &'static str, session: Session, work: Work, seconds: f64) -> Case {
    Case {
        name,
        session,
        work,
        seconds,
    }
}

const fn writers(producers: usize, partitions: i32, fsync: bool) -> Work {
    Work::Writers {
        producers,
        partitions,
        fsync,
    }
}

const fn cell(name: &'static str, write: Write) -> Case {
    case(name, Session::Matrix, Work::Librdkafka(write), 6.0)
}

/// All of them, in the order in which they are measured.
pub const CASES: [Case; 24] = [
    case("start", Session::Bulk, Work::Start, 8.0),
    case("memory", Session::Bulk, Work::Memory, 2.0),
    case(
        "librdkafka-produce",
        Session::Bulk,
        Work::Librdkafka(LINGERING),
        17.0,
    ),
    case("java-produce", Session::Bulk, Work::Java(SMALL), 24.0),
    case("java-produce-1k", Session::Bulk, Work::Java(KIB), 19.0),
    case("java-consume", Session::Bulk, Work::JavaRead, 26.0),
    case(
        "librdkafka-consume",
        Session::Bulk,
        Work::LibrdkafkaRead,
        15.0,
    ),
    case("e2e-tool", Session::Waits, Work::Tool, 15.0),
    case("e2e", Session::Waits, Work::EndToEnd, 14.0),
    case("acks-20", Session::Waits, writers(20, 6, false), 11.0),
    case("fsync-1", Session::Waits, writers(1, 6, true), 11.0),
    case("fsync-20", Session::Waits, writers(20, 6, true), 11.0),
    case("fsync-20-one", Session::Waits, writers(20, 1, true), 11.0),
    case("open-loop", Session::Waits, Work::OpenLoop, 42.0),
    cell("matrix-base", CELL),
    cell(
        "matrix-1-partition",
        Write {
            partitions: 1,
            ..CELL
        },
    ),
    cell(
        "matrix-100-partitions",
        Write {
            partitions: 100,
            ..CELL
        },
    ),
    cell(
        "matrix-1000-partitions",
        Write {
            partitions: 1_000,
            ..CELL
        },
    ),
    cell(
        "matrix-1k",
        Write {
            records: 1_000_000,
            bytes: 1_024,
            ..CELL
        },
    ),
    cell(
        "matrix-lz4",
        Write {
            compression: "lz4",
            ..CELL
        },
    ),
    cell(
        "matrix-zstd",
        Write {
            compression: "zstd",
            ..CELL
        },
    ),
    cell(
        "matrix-acks-all",
        Write {
            acks: "all",
            ..CELL
        },
    ),
    case(
        "matrix-java-plaintext",
        Session::Matrix,
        Work::Java(JAVA_CELL),
        13.0,
    ),
    case(
        "matrix-java-tls",
        Session::Matrix,
        Work::Java(Write {
            tls: true,
            ..JAVA_CELL
        }),
        20.0,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sessions_in_order() {
        for (at, case) in CASES.iter().enumerate() {
            assert!(CASES[..at].iter().all(|other| other.name != case.name));
        }
        let order = |case: &Case| Session::ALL.iter().position(|one| *one == case.session);
        assert!(CASES.is_sorted_by_key(order));
    }
}
