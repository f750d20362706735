//! UpdateFeatures, key 57, versions 0–2 (KIP-584, KIP-778).
//!
//! - All or none. Up to version 1 each feature is answered, from version 2 only the request.
//! - `metadata.version` and `kraft.version` are never lowered: records of the higher level may be in the
//!   log.
//! - `eligible.leader.replicas.version` needs a `metadata.version` whose records can hold it; what it
//!   needs of the settings is written with it, as in Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_config::Config;
use limpid_protocol::messages::UpdateFeaturesRequest;
use limpid_protocol::messages::update_features_request::FeatureUpdateKey;
use limpid_protocol::messages::update_features_response::{
    UpdatableFeatureResult, UpdateFeaturesResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::changes::{ELR_VERSION, before_eligible, set_feature};
use limpid_storage::metadata::{Image, KRAFT_VERSION, MetadataRecord, Refusal};

use crate::access::Operation;
use crate::endpoints;
use crate::features::{METADATA_VERSION, SUPPORTED};
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::settings::Settings;

/// Up to here a request says "downgrade" with a flag, and each feature is answered.
const FLAG_VERSION: i16 = 0;
const RESULTS_VERSION_MAX: i16 = 1;
/// `FeatureUpdate.UpgradeType`: up, down if nothing is lost, down in any case.
const UPGRADE: i8 = 1;
const UNSAFE_DOWNGRADE: i8 = 3;
/// 4.0-IV1, the first whose records of partitions name who is eligible.
const ELR_METADATA_VERSION: i16 = 23;

/// Answers UpdateFeatures.
pub struct UpdateFeatures {
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
}

impl UpdateFeatures {
    /// `metadata` has the levels, `settings` what some of them bring into the metadata.
    pub fn new(metadata: Arc<Metadata>, settings: Arc<Settings>) -> Self {
        Self { metadata, settings }
    }

    async fn update(&self, wishes: Vec<Wish>, dry: bool) -> Result<(), Refusal> {
        let config = self.settings.current();
        let min_insync_replicas = configured_minimum(&config);
        let names_voters = wishes.iter().any(Wish::names_voters);
        let change = move |image: &Image| records(image, &wishes, min_insync_replicas);
        if dry {
            return change(&self.metadata.image()).map(drop);
        }
        if names_voters {
            // As in Kafka it goes ahead of the others, which are checked before.
            change(&self.metadata.image())?;
            let voter = endpoints::controller(&config.broker().node);
            self.metadata.name_voters(&voter).await?;
        }
        self.metadata.change(change).await.map(drop)
    }
}

/// One feature to be brought to a level.
struct Wish {
    feature: String,
    level: i16,
    upgrade_type: i8,
}

impl Wish {
    fn new(update: &FeatureUpdateKey, version: i16) -> Self {
        let by_flag = if update.allow_downgrade {
            UNSAFE_DOWNGRADE
        } else {
            UPGRADE
        };
        Self {
            feature: update.feature.clone(),
            level: update.max_version_level,
            upgrade_type: if version <= FLAG_VERSION {
                by_flag
            } else {
                update.upgrade_type
            },
        }
    }

    fn names_voters(&self) -> bool {
        self.feature == KRAFT_VERSION && self.level > 0
    }

    /// The records that do it; none when nothing changes.
    fn records(
        &self,
        image: &Image,
        min_insync_replicas: i32,
    ) -> Result<Vec<MetadataRecord>, Refusal> {
        let Self { feature, level, .. } = self;
        let refuse = |why: &str| {
            let message = format!("{feature} can't be set to {level}: {why}");
            Err(Refusal::new(ErrorCode::InvalidUpdateVersion, message))
        };
        if !(UPGRADE..=UNSAFE_DOWNGRADE).contains(&self.upgrade_type) {
            return refuse(&format!("{} is no upgrade type", self.upgrade_type));
        }
        let Some(known) = SUPPORTED.iter().find(|known| known.name == feature) else {
            return refuse("this broker does not know the feature");
        };
        let current = image.feature(feature);
        // What the metadata say already may stay, also when only Kafka has it.
        if *level != current && !(known.min..=known.max).contains(level) {
            let range = format!("this broker supports {} to {}", known.min, known.max);
            return refuse(&range);
        }
        if *level < current {
            if self.upgrade_type == UPGRADE {
                return refuse("that is a downgrade, which the request does not allow");
            }
            if feature == METADATA_VERSION {
                return refuse("records of the present level may be in the metadata log");
            }
            if feature == KRAFT_VERSION {
                return refuse("the voters are in the metadata log, and stay there");
            }
        }
        if *level > current && self.upgrade_type != UPGRADE {
            return refuse("that is no downgrade");
        }
        let mut records = Vec::new();
        if feature == ELR_VERSION && *level > 0 {
            records = before_eligible(image, min_insync_replicas);
        }
        // The level of `kraft.version` is in other records ([`Metadata::name_voters`]).
        if *level != current && feature != KRAFT_VERSION {
            records.push(set_feature(feature, *level));
        }
        Ok(records)
    }
}

impl Answer for UpdateFeatures {
    type Request = UpdateFeaturesRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::UpdateFeatures, 0, 2);

    async fn answer(
        &self,
        request: UpdateFeaturesRequest,
        call: &mut Call<'_>,
    ) -> UpdateFeaturesResponse {
        if !call.may_on_cluster(Operation::Alter) {
            return UpdateFeaturesResponse {
                error_code: call.note(ErrorCode::ClusterAuthorizationFailed),
                ..UpdateFeaturesResponse::default()
            };
        }
        let wish = |update: &FeatureUpdateKey| Wish::new(update, call.version);
        let wishes = request.feature_updates.iter().map(wish).collect();
        if let Err(refusal) = self.update(wishes, request.validate_only).await {
            return UpdateFeaturesResponse {
                error_code: call.note(refusal.code),
                error_message: Some(format!("nothing was changed: {}", refusal.message)),
                ..UpdateFeaturesResponse::default()
            };
        }
        let done = |update: FeatureUpdateKey| UpdatableFeatureResult {
            feature: update.feature,
            ..UpdatableFeatureResult::default()
        };
        let mut response = UpdateFeaturesResponse {
            error_message: None,
            ..UpdateFeaturesResponse::default()
        };
        if call.version <= RESULTS_VERSION_MAX {
            response.results = request.feature_updates.into_iter().map(done).collect();
        }
        response
    }
}

fn records(
    image: &Image,
    wishes: &[Wish],
    min_insync_replicas: i32,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let names: BTreeSet<&str> = wishes.iter().map(|wish| wish.feature.as_str()).collect();
    if names.len() != wishes.len() {
        let message = "a feature may be there only once";
        return Err(Refusal::new(ErrorCode::InvalidUpdateVersion, message));
    }
    let mut records = Vec::new();
    for wish in wishes {
        records.extend(wish.records(image, min_insync_replicas)?);
    }
    check_dependencies(image, wishes)?;
    Ok(records)
}

/// `min.insync.replicas` without what was altered while brokers ran.
fn configured_minimum(config: &Config) -> i32 {
    let statics = config.with_dynamic(BTreeMap::new(), BTreeMap::new());
    let statics = statics.as_ref().unwrap_or(config);
    statics.broker().topic_defaults.min_insync_replicas
}

/// What a feature needs of another, by the levels there would be.
fn check_dependencies(image: &Image, wishes: &[Wish]) -> Result<(), Refusal> {
    let wished = |name: &str| {
        let mut own = wishes.iter().filter(|wish| wish.feature == name);
        own.next().map(|wish| wish.level)
    };
    let version = wished(METADATA_VERSION).unwrap_or_else(|| image.metadata_version());
    if wished(ELR_VERSION).is_some_and(|level| level > 0) && version < ELR_METADATA_VERSION {
        let message = format!("{ELR_VERSION} needs metadata.version {ELR_METADATA_VERSION}");
        return Err(Refusal::new(ErrorCode::InvalidUpdateVersion, message));
    }
    Ok(())
}
