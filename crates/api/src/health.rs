//! `/healthz` and `/readyz`, for probes and load balancers.
//!
//! - `/healthz` answers 200 as long as the process can answer at all. It is a liveness probe: a
//!   broker that recovers for an hour is healthy.
//! - `/readyz` answers 200 once every log is recovered and until the drain begins, else 503.
//!   `?verbose` adds the reasons, one per line.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use limpid_cluster::{ClusterSource, ReadinessState};

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(
    State(source): State<Arc<dyn ClusterSource>>,
    RawQuery(query): RawQuery,
) -> (StatusCode, String) {
    let readiness = source.readiness();
    let (status, word) = match readiness.state {
        ReadinessState::Ready => (StatusCode::OK, "ready"),
        ReadinessState::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        ReadinessState::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        ReadinessState::Failed => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    let mut text = format!("{word}\n");
    if is_verbose(query.as_deref()) {
        for reason in &readiness.reasons {
            // Writing to a String can't fail.
            let _written = writeln!(text, "{reason}").is_ok();
        }
    }
    (status, text)
}

fn is_verbose(query: Option<&str>) -> bool {
    let mut parameters = query.unwrap_or_default().split('&');
    parameters.any(|p| p == "verbose" || p.starts_with("verbose="))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use limpid_cluster::{ClusterSnapshot, Readiness};
    use tower::ServiceExt;

    use super::*;

    struct Starting;

    impl ClusterSource for Starting {
        fn name(&self) -> &str {
            "local"
        }

        fn snapshot(&self) -> Arc<ClusterSnapshot> {
            Arc::default()
        }

        fn readiness(&self) -> Readiness {
            let reasons = vec!["3 of 7 logs are open".to_owned()];
            Readiness {
                state: ReadinessState::Starting,
                reasons,
            }
        }
    }

    async fn get(path: &str) -> (StatusCode, String) {
        let router = crate::router(Arc::new(Starting));
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = router.oneshot(request).await.expect("infallible");
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1024)
            .await
            .expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_starting_broker_is_healthy_but_not_ready() {
        assert_eq!(get("/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        let (status, text) = get("/readyz").await;
        assert_eq!(
            (status, text.as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "starting\n")
        );
        let (_, text) = get("/readyz?verbose").await;
        assert_eq!(text, "starting\n3 of 7 logs are open\n");
    }
}
