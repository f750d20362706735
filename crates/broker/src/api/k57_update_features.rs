//! UpdateFeatures, key 57, versions 0–2 (KIP-584, KIP-778).
//!
//! - All or none. Up to version 1 each feature is answered, from version 2 only the request.
//! - `metadata.version` is never lowered: records of the higher level may be in the log.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::messages::UpdateFeaturesRequest;
use limpid_protocol::messages::update_features_request::FeatureUpdateKey;
use limpid_protocol::messages::update_features_response::{
    UpdatableFeatureResult, UpdateFeaturesResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::changes::set_feature;
use limpid_storage::metadata::{Image, MetadataRecord, Refusal};

use crate::access::Operation;
use crate::features::{METADATA_VERSION, SUPPORTED};
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// Up to here a request says "downgrade" with a flag, and each feature is answered.
const FLAG_VERSION: i16 = 0;
const RESULTS_VERSION_MAX: i16 = 1;
/// `FeatureUpdate.UpgradeType`: up, down if nothing is lost, down in any case.
const UPGRADE: i8 = 1;
const UNSAFE_DOWNGRADE: i8 = 3;

/// Answers UpdateFeatures.
pub struct UpdateFeatures {
    metadata: Arc<Metadata>,
}

impl UpdateFeatures {
    /// `metadata` has the levels.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }

    async fn update(&self, wishes: Vec<Wish>, dry: bool) -> Result<(), Refusal> {
        let change = move |image: &Image| records(image, &wishes);
        if dry {
            return change(&self.metadata.image()).map(drop);
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

    fn record(&self, image: &Image) -> Result<Option<MetadataRecord>, Refusal> {
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
        if *level != 0 && !(known.min..=known.max).contains(level) {
            let range = format!("this broker supports {} to {}", known.min, known.max);
            return refuse(&range);
        }
        let current = image.feature(feature);
        if *level < current {
            if self.upgrade_type == UPGRADE {
                return refuse("that is a downgrade, which the request does not allow");
            }
            if feature == METADATA_VERSION {
                return refuse("records of the present level may be in the metadata log");
            }
        }
        if *level > current && self.upgrade_type != UPGRADE {
            return refuse("that is no downgrade");
        }
        Ok((*level != current).then(|| set_feature(feature, *level)))
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

fn records(image: &Image, wishes: &[Wish]) -> Result<Vec<MetadataRecord>, Refusal> {
    let names: BTreeSet<&str> = wishes.iter().map(|wish| wish.feature.as_str()).collect();
    if names.len() != wishes.len() {
        let message = "a feature may be there only once";
        return Err(Refusal::new(ErrorCode::InvalidUpdateVersion, message));
    }
    let mut records = Vec::new();
    for wish in wishes {
        records.extend(wish.record(image)?);
    }
    Ok(records)
}
