//! Removing what the demo made, and nothing else.

use std::path::Path;

use anyhow::{Context, Result, bail};
use limpid_client::ClientError;
use limpid_platform::lock::{DirLock, LockError};
use limpid_protocol::ErrorCode;

use crate::plan::{self, GROUPS};
use crate::target::Target;
use crate::{Place, home, runtime};

/// The file by which a server locks its directory.
const LOCK: &str = ".lock";

/// Deletes the directory of a demo with its own server, or the demo's topics and groups on a
/// cluster. Says what it did, a line each.
///
/// # Errors
/// When the demo still runs.
pub fn clean(place: &Place) -> Result<Vec<String>> {
    match place {
        Place::Own { dir, .. } => clean_dir(dir),
        Place::Cluster { .. } => {
            let target = place.target(place.bootstrap_servers())?;
            runtime()?.block_on(clean_cluster(&target))
        }
    }
}

fn clean_dir(dir: &Path) -> Result<Vec<String>> {
    if !dir.exists() {
        return Ok(vec![format!("there is no {}", dir.display())]);
    }
    if !home::is_ours(dir) {
        bail!("{} was not made by a demo, so it stays", dir.display());
    }
    let data = home::data_dir(dir);
    let lock = match data.is_dir().then(|| DirLock::acquire(&data.join(LOCK))) {
        None => None,
        Some(Ok(lock)) => Some(lock),
        Some(Err(LockError::Held { holder, .. })) => {
            bail!(
                "the demo in {} still runs ({holder}); stop it first",
                dir.display()
            );
        }
        Some(Err(error)) => return Err(error.into()),
    };
    std::fs::remove_dir_all(dir).with_context(|| format!("can't delete {}", dir.display()))?;
    drop(lock);
    Ok(vec![format!("deleted {}", dir.display())])
}

async fn clean_cluster(target: &Target) -> Result<Vec<String>> {
    let client = target.hasty_client("demo-clean")?;
    let mut done = Vec::new();
    for group in GROUPS {
        match client.delete_group(group.id).await {
            Ok(()) => done.push(format!("deleted the group {}", group.id)),
            Err(error) if is_absent(&error) => {}
            Err(error) if error.code() == Some(ErrorCode::NonEmptyGroup) => {
                bail!(
                    "{} still has members: stop the demo first (a member that crashed is gone \
                     after 10 s)",
                    group.id
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    for (topic, _) in plan::topics() {
        match client.delete_topic(topic).await {
            Ok(()) => done.push(format!("deleted the topic {topic}")),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if done.is_empty() {
        done.push(format!(
            "there is nothing of the demo on {}",
            target.bootstrap()
        ));
    }
    Ok(done)
}

fn is_absent(error: &ClientError) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::GroupIdNotFound | ErrorCode::UnknownTopicOrPartition)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_that_a_demo_made_is_deleted() {
        let root = std::env::temp_dir().join(format!("limpid-demo-clean-{}", std::process::id()));
        std::fs::create_dir_all(&root).expect("a directory");
        let place = Place::Own {
            dir: root.clone(),
            port: 0,
            http_port: 0,
        };
        let refused = clean(&place).expect_err("somebody else's");
        assert!(
            refused.to_string().contains("was not made by a demo"),
            "{refused}"
        );
        std::fs::write(root.join(".limpid-demo"), "").expect("a marker");
        clean(&place).expect("a demo's");
        assert!(!root.exists());
        let nothing = clean(&place).expect("nothing to do");
        assert!(nothing[0].starts_with("there is no "));
    }
}
