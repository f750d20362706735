//! Altering settings, for the two requests that do: AlterConfigs and IncrementalAlterConfigs.
//!
//! A resource is altered as a whole or not at all; that one is refused says nothing of the others.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_config::alter::Alteration;
use limpid_protocol::ErrorCode;
use limpid_storage::metadata::{ConfigMap, Image, Refusal};
use limpid_telemetry::logging::loggers::Loggers;
use parking_lot::Mutex;

use crate::access::Operation;
use crate::audit::changes::Change;
use crate::broker_loggers;
use crate::config_resources::{self, Start};
use crate::handler::Call;
use crate::metadata::Metadata;
use crate::settings::Settings;

/// What a request wants of one resource.
pub struct Wanted {
    /// Its type code.
    pub kind: i8,
    /// Its name.
    pub name: String,
    /// What to do, or why that can't be understood. Asked for only when the resource is there and
    /// may be altered.
    pub wishes: Result<Vec<Alteration>, Refusal>,
}

/// Alters settings.
pub struct ConfigChanges {
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
    start: Start,
    loggers: Option<Arc<Loggers>>,
}

impl ConfigChanges {
    /// `settings` are what altered values are checked against, `start` is what wishes are added to.
    pub fn new(metadata: Arc<Metadata>, settings: Arc<Settings>, start: Start) -> Self {
        Self {
            metadata,
            settings,
            start,
            loggers: None,
        }
    }

    /// These loggers can be altered too.
    pub fn with_loggers(self, loggers: Arc<Loggers>) -> Self {
        Self {
            loggers: Some(loggers),
            ..self
        }
    }

    /// Alters each resource, or only checks with `dry`; the outcomes in their order. `Ok` means
    /// that the change is durable and in force.
    pub async fn make(
        &self,
        wanted: Vec<Wanted>,
        dry: bool,
        call: &mut Call<'_>,
    ) -> Vec<Result<(), Refusal>> {
        let mut counts: HashMap<(i8, String), usize> = HashMap::new();
        for one in &wanted {
            *counts.entry((one.kind, one.name.clone())).or_default() += 1;
        }
        let mut outcomes = Vec::with_capacity(wanted.len());
        for one in wanted {
            let is_alone = counts.get(&(one.kind, one.name.clone())) == Some(&1);
            outcomes.push(if is_alone {
                self.alter(one, dry, call).await
            } else {
                let message = "a resource may be there only once";
                Err(Refusal::new(ErrorCode::InvalidRequest, message))
            });
        }
        outcomes
    }

    async fn alter(&self, wanted: Wanted, dry: bool, call: &mut Call<'_>) -> Result<(), Refusal> {
        let resource = config_resources::resource(wanted.kind, &wanted.name);
        config_resources::may(call, Operation::AlterConfigs, &resource)?;
        let image = self.metadata.image();
        config_resources::check_name(&resource, self.settings.node_id())?;
        let wishes = wanted.wishes?;
        if broker_loggers::are_meant(&resource) {
            let Some(loggers) = &self.loggers else {
                let message = "loggers are altered by IncrementalAlterConfigs alone";
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            };
            broker_loggers::alter(loggers, &wishes, dry)?;
            for wish in wishes.iter().filter(|_| !dry) {
                let change = Change::new("alter", "broker-logger", &wanted.name);
                call.changed(change.setting(&wish.key, None, wish.value.as_deref()));
            }
            return Ok(());
        }
        let (config, start) = (self.settings.current(), self.start);
        let before: Arc<Mutex<Arc<ConfigMap>>> = Arc::default();
        let (seen, altered) = (Arc::clone(&before), resource.clone());
        let change = move |image: &Image| {
            *seen.lock() = image.configs(&resource).cloned().unwrap_or_default();
            config_resources::alter(&config, image, &resource, start, &wishes)
        };
        if dry {
            return change(&image).map(drop);
        }
        let committed = self.metadata.change(change).await?;
        let after = committed.image.configs(&altered).cloned();
        let after = after.unwrap_or_default();
        let before = Arc::clone(&before.lock());
        let about = (config_resources::kind_name(&altered), altered.name.as_str());
        call.notes.changes.settings(about, &before, &after);
        Ok(())
    }
}
