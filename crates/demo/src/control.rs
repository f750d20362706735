//! Changing the pace of the slow group while it runs: the newest record of `demo.control` holds it,
//! so that it works from any host and with any client (`echo unlimited | kcat -P -t demo.control`).

use std::time::Duration;

use anyhow::{Context, Result};
use limpid_client::{Producer, ProducerConfig, Record};
use limpid_cluster::{Browse, RecordBrowser};
use limpid_link::Link;
use limpid_protocol::ErrorCode;
use tokio::sync::watch;

use crate::plan::{CONTROL_TOPIC, Pace, SLOW};
use crate::target::Target;
use crate::{Place, runtime};

/// How often the topic is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How long a record may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a pace.
const BYTES_MAX: usize = 64;

/// Tells the demo that runs at `place` how fast the slow group shall read.
///
/// # Errors
/// When no demo was ever started there.
pub fn set_pace(place: &Place, pace: Pace) -> Result<String> {
    let target = place.target(place.bootstrap_servers())?;
    runtime()?.block_on(async {
        let client = target.hasty_client("demo-control")?;
        let absent = |error: limpid_client::ClientError| match error.code() {
            Some(ErrorCode::UnknownTopicOrPartition) => {
                let at = target.bootstrap();
                anyhow::anyhow!("there is no demo on {at}: start one with `limpid demo`")
            }
            _ => anyhow::Error::new(error),
        };
        client.topic(CONTROL_TOPIC).await.map_err(absent)?;
        let config = ProducerConfig {
            linger: Duration::ZERO,
            delivery_timeout: PATIENCE,
            ..ProducerConfig::default()
        };
        let producer = Producer::new(client, config);
        let record = Record::keyed(CONTROL_TOPIC, SLOW.id, pace.to_string());
        producer.send(record).await?.acknowledged().await?;
        let rate = match pace {
            Pace::Unlimited => "as fast as it can".to_owned(),
            Pace::RecordsPerSecond(rate) => format!("{rate} records/s"),
        };
        Ok(format!(
            "{} reads {rate} from now on (in a second or two)",
            SLOW.id
        ))
    })
}

/// Listens for new paces until the end. What was said before the demo began counts no longer.
pub(crate) async fn listen(
    target: Target,
    pace: watch::Sender<Pace>,
    mut stop: watch::Receiver<bool>,
) -> Result<()> {
    let link = target.link()?;
    let mut seen = None;
    loop {
        match newest(&link).await {
            Ok((next, text)) => {
                let is_new = seen.is_some_and(|seen| next > seen);
                seen = Some(next);
                match text.parse() {
                    Ok(new) if is_new => {
                        tracing::info!(group = SLOW.id, pace = text, "new pace");
                        pace.send_replace(new);
                    }
                    Err(error) if is_new => tracing::warn!(topic = CONTROL_TOPIC, error),
                    _ => {}
                }
            }
            Err(error) => tracing::debug!(%error, "the control topic can't be read"),
        }
        tokio::select! {
            _ended = stop.wait_for(|stop| *stop) => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// The offset after the newest record, and what it says.
async fn newest(link: &Link) -> Result<(i64, String)> {
    let what = Browse {
        records_max: 1,
        bytes_max: BYTES_MAX,
        ..Browse::default()
    };
    let records = link.browse(CONTROL_TOPIC, what).await?;
    let Some(record) = records.into_iter().next() else {
        return Ok((0, String::new()));
    };
    let value = record.value.unwrap_or_default();
    let text = String::from_utf8(value).context("not a text")?;
    Ok((record.offset + 1, text.trim().to_owned()))
}
