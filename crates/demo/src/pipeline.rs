//! The whole pipeline: its topics, its tasks, their end.

use std::time::Duration;

use anyhow::{Context, Result};
use limpid_client::{ClientError, TopicSpec};
use limpid_protocol::ErrorCode;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::groups::{self, Life};
use crate::plan::{self, Pace, RETENTION_MS, SEGMENT_BYTES, SERVICES};
use crate::target::Target;
use crate::{control, services};

/// How long the end may take: producers send their last, members leave.
const END: Duration = Duration::from_secs(6);
/// When the guests of the restless group come first.
const GUESTS: [(&str, Duration); 2] = [
    ("2", Duration::from_secs(10)),
    ("3", Duration::from_secs(30)),
];

/// Tasks that run until they are told to stop.
pub(crate) struct Pipeline {
    stop: watch::Sender<bool>,
    tasks: JoinSet<Result<()>>,
}

impl Pipeline {
    /// Makes the topics that are missing and starts everybody.
    pub(crate) async fn start(target: &Target, slow_group: Pace) -> Result<Self> {
        make_topics(target).await?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for service in &SERVICES {
            let client = target.client(service.name)?;
            let stopped = stopped.clone();
            tasks.spawn(async move {
                services::run(service, client, stopped).await;
                Ok(())
            });
        }
        let life = Life {
            target: target.clone(),
            stop: stopped.clone(),
        };
        let (pace, paced) = watch::channel(slow_group);
        tasks.spawn(control::listen(target.clone(), pace, stopped));
        tasks.spawn(groups::healthy(life.clone(), "1"));
        tasks.spawn(groups::healthy(life.clone(), "2"));
        tasks.spawn(groups::slow(life.clone(), paced));
        tasks.spawn(groups::host(life.clone()));
        for (name, first) in GUESTS {
            tasks.spawn(groups::guest(life.clone(), name, first));
        }
        tasks.spawn(groups::crashing(life));
        Ok(Self { stop, tasks })
    }

    /// Ends everybody in good order, or cuts them off.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok(Err(error)) = ended {
                    tracing::warn!(%error, "a part of the demo had ended");
                }
            }
        };
        if timeout(END, all).await.is_err() {
            tracing::warn!("parts of the demo were cut off");
        }
    }
}

async fn make_topics(target: &Target) -> Result<()> {
    let client = target.hasty_client("demo-setup")?;
    let reached = client.describe_cluster().await;
    reached.with_context(|| target.unreachable())?;
    for (name, partitions) in plan::topics() {
        let spec = TopicSpec {
            name: name.to_owned(),
            partitions,
            replication_factor: -1,
            configs: vec![
                ("retention.ms".to_owned(), RETENTION_MS.to_string()),
                ("segment.bytes".to_owned(), SEGMENT_BYTES.to_string()),
            ],
        };
        let made = client.create_topic(&spec).await;
        made.or_else(fine_if_there)
            .with_context(|| format!("can't make {name}"))?;
    }
    Ok(())
}

/// A demo that ran before has left its topics.
fn fine_if_there(error: ClientError) -> Result<(), ClientError> {
    match error.code() {
        Some(ErrorCode::TopicAlreadyExists) => Ok(()),
        _ => Err(error),
    }
}
