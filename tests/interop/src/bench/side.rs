//! The brokers that are compared, and their settings.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::peer::{Kind, Peer};
use crate::tools::Tools;

/// A broker as it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Apache Kafka as it comes.
    Kafka,
    /// This project's broker as it comes.
    Limpid,
    /// Apache Kafka with settings for a machine of few cores.
    KafkaTuned,
}

/// What `--tuned` changes: as many threads as such a machine has use for, socket buffers of a megabyte
/// instead of 100 KiB, and below a heap in which collections are rare, with the collector that costs the
/// least processor time (no barriers of a concurrent one).
const TUNED: [(&str, &str); 4] = [
    ("num.network.threads", "2"),
    ("num.io.threads", "4"),
    ("socket.send.buffer.bytes", "1048576"),
    ("socket.receive.buffer.bytes", "1048576"),
];
const TUNED_MACHINE: [&str; 4] = ["-Xmx4G", "-Xms4G", "-XX:-UseG1GC", "-XX:+UseParallelGC"];

impl Side {
    /// For reports and lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Limpid => "limpid",
            Self::KafkaTuned => "kafka-tuned",
        }
    }

    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Kafka => "Apache Kafka 4.3.0",
            Self::Limpid => "Limpid",
            Self::KafkaTuned => "Apache Kafka 4.3.0, tuned",
        }
    }

    /// In the order in which the first pair is measured. Kafka is first: its saturation decides at which
    /// rates the latency of all is measured.
    #[must_use]
    pub fn all(tuned: bool) -> Vec<Self> {
        let mut all = vec![Self::Kafka, Self::Limpid];
        if tuned {
            all.push(Self::KafkaTuned);
        }
        all
    }

    /// The settings in words.
    #[must_use]
    pub fn settings(self) -> String {
        match self {
            Self::Kafka => {
                "its stock settings, 1 GiB heap and the collector settings of its start \
                            script"
                    .to_owned()
            }
            Self::Limpid => "its stock settings".to_owned(),
            Self::KafkaTuned => {
                let properties = TUNED.map(|(key, value)| format!("{key}={value}"));
                format!("{} {}", properties.join(" "), TUNED_MACHINE.join(" "))
            }
        }
    }

    /// A broker of this kind, not yet formatted or started.
    ///
    /// # Errors
    /// When there is no program or no port.
    pub fn peer(self, tools: &Tools, folder: &Path, more: &[(&str, &str)]) -> Result<Peer> {
        let kind = match self {
            Self::Limpid => Kind::limpid().context("Limpid's program")?,
            Self::Kafka | Self::KafkaTuned => Kind::Kafka,
        };
        let mut peer = Peer::new(kind, tools, folder, more)?;
        peer.full_speed = true;
        if self == Self::KafkaTuned {
            for (key, value) in TUNED {
                peer.set(key, value);
            }
            peer.machine_options = TUNED_MACHINE.map(str::to_owned).into();
        }
        Ok(peer)
    }
}
