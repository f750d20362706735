//! Consumer groups: who gets which partitions, what is read once, and what is remembered.

pub mod churn;
pub mod cooperative;
pub mod handover;
pub mod next;
pub mod patterns;
pub mod resets;
pub mod resume;
pub mod shares;
pub mod sharing;
pub mod tools;

use anyhow::Result;
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka;
use limpid_interop::member::Member;
use limpid_interop::records::Record;
use limpid_interop::tools::helpers;

/// Values by partition.
type Values = Vec<Vec<String>>;

/// Programs that can be members of a group.
#[derive(Clone, Copy, Debug)]
enum Client {
    KafkaJs,
    Python,
    Kcat,
}

impl Client {
    const ALL: [Self; 3] = [Self::KafkaJs, Self::Python, Self::Kcat];

    const fn name(self) -> &'static str {
        match self {
            Self::KafkaJs => "kafkajs",
            Self::Python => "python",
            Self::Kcat => "kcat",
        }
    }

    /// Starts a member that reads from the beginning where nothing is committed.
    fn member(self, lab: &mut Lab, topic: &str, group: &str, number: usize) -> Result<Member> {
        let address = lab.address()?;
        let mut command = match self {
            Self::KafkaJs => {
                let mut node = lab.tools.node()?;
                node.arg(helpers().join("node/client.js"));
                node.args(["member", &address, topic, group]);
                node
            }
            Self::Python => {
                let mut python = lab.tools.python()?;
                python.arg(helpers().join("python/member.py"));
                python.args([&address, topic, group]);
                python
            }
            Self::Kcat => {
                let mut kcat = lab.tools.kcat()?;
                kcat.args(["-b", &address, "-u", "-f", "record %p %o %s\n"]);
                for setting in [
                    "auto.offset.reset=earliest",
                    "session.timeout.ms=6000",
                    "heartbeat.interval.ms=500",
                    "auto.commit.interval.ms=200",
                ] {
                    kcat.args(["-X", setting]);
                }
                kcat.args(["-G", group, topic]);
                kcat
            }
        };
        let folder = lab.folder("members")?;
        Member::start(&format!("{group}-{number}"), &mut command, &folder)
    }
}

/// `each` values for each of `partitions`, different in every partition.
fn values(seed: &str, partitions: usize, each: usize) -> Values {
    let in_partition = |p| (0..each).map(move |n| format!("{seed}-{p}-{n}")).collect();
    (0..partitions).map(in_partition).collect()
}

/// Appends values to their partitions.
fn write(lab: &mut Lab, topic: &str, values: &[Vec<String>]) -> Result<()> {
    let address = lab.address()?;
    for (partition, values) in values.iter().enumerate() {
        let records: Vec<Record> = values
            .iter()
            .map(|value| Record::new(b"", value.as_bytes()))
            .collect();
        let partition = Some(i32::try_from(partition)?);
        librdkafka::produce(&address, &[], topic, partition, &records)?;
    }
    Ok(())
}
