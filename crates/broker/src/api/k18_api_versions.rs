//! ApiVersions, key 18, versions 0–4.
//!
//! - The answer is computed from the registered handlers; there is no second table.
//! - An unknown version is answered with a version 0 body that carries UNSUPPORTED_VERSION *and*
//!   this API's range, so that a newer client can try again (KIP-511); `dispatch` calls [`unsupported`].
//! - The response header is version 0 always, since the client can't know better yet.
//! - From version 3 the client tells the name and version of its software; malformed ones are
//!   INVALID_REQUEST, as in Kafka.
//! - Features: only those that are there are advertised. `metadata.version` is the cluster's;
//!   those whose lowest level is 0 only from version 4 on (KAFKA-17011).

use std::sync::Arc;

use limpid_protocol::messages::ApiVersionsRequest;
use limpid_protocol::messages::api_versions_response::{
    ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::metrics::ConnectionMetrics;

/// Longest software name or version kept of a client.
const SOFTWARE_BYTES_MAX: usize = 128;

/// Answers ApiVersions.
pub struct ApiVersions {
    ranges: Arc<[ApiRange]>,
    metadata: Arc<Metadata>,
    connections: ConnectionMetrics,
}

impl ApiVersions {
    /// `ranges` are those of all registered handlers, this one included.
    pub fn new(
        ranges: Arc<[ApiRange]>,
        metadata: Arc<Metadata>,
        connections: ConnectionMetrics,
    ) -> Self {
        Self {
            ranges,
            metadata,
            connections,
        }
    }
}

impl Answer for ApiVersions {
    type Request = ApiVersionsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ApiVersions, 0, 4);

    async fn answer(
        &self,
        request: ApiVersionsRequest,
        call: &mut Call<'_>,
    ) -> ApiVersionsResponse {
        if call.version >= 3 {
            let name = request.client_software_name;
            let version = request.client_software_version;
            if !is_software(&name) || !is_software(&version) {
                let error_code = call.note(ErrorCode::InvalidRequest);
                return ApiVersionsResponse {
                    error_code,
                    ..ApiVersionsResponse::default()
                };
            }
            // A second ApiVersions on one connection does not rename the client.
            call.peer.software.get_or_init(|| {
                let software = (name.as_str(), version.as_str());
                let told = self.connections.told(&call.peer.listener, software);
                call.peer.counted.set(told).ok();
                (name, version)
            });
        }
        let image = self.metadata.image();
        let supported = crate::features::SUPPORTED
            .iter()
            .filter(|f| f.min > 0 || call.version >= 4)
            .map(|f| SupportedFeatureKey {
                name: f.name.to_owned(),
                min_version: f.min,
                max_version: f.max,
            })
            .collect();
        let finalized = crate::features::finalized(&image)
            .map(|(name, level)| FinalizedFeatureKey {
                name: name.to_owned(),
                max_version_level: level,
                min_version_level: level,
            })
            .collect();
        ApiVersionsResponse {
            api_keys: list(&self.ranges),
            supported_features: supported,
            finalized_features_epoch: image.offset(),
            finalized_features: finalized,
            ..ApiVersionsResponse::default()
        }
    }
}

/// The answer to a version that is not served: always to be encoded as version 0. Like Kafka's it
/// lists this API only; the client asks again in a version of that range.
pub fn unsupported(ranges: &[ApiRange]) -> ApiVersionsResponse {
    let own: Vec<ApiRange> = ranges
        .iter()
        .copied()
        .filter(|r| r.key == ApiKey::ApiVersions)
        .collect();
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: list(&own),
        ..ApiVersionsResponse::default()
    }
}

fn list(ranges: &[ApiRange]) -> Vec<ApiVersion> {
    let entry = |r: &ApiRange| ApiVersion {
        api_key: r.key as i16,
        min_version: r.advertised_min,
        max_version: r.max,
    };
    ranges.iter().map(entry).collect()
}

/// Letters and digits at both ends, those and `.-` between (KIP-511).
fn is_software(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alnum = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= SOFTWARE_BYTES_MAX
        && alnum(bytes.first())
        && alnum(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::is_software;

    #[test]
    fn software_names_are_those_of_kip_511() {
        for good in ["librdkafka", "apache-kafka-java", "2.12.1", "a"] {
            assert!(is_software(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a\u{e9}", &"x".repeat(129)] {
            assert!(!is_software(bad), "{bad}");
        }
    }
}
