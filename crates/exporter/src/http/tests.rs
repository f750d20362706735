use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use limpid_telemetry::{CollectError, Collector, Declaration, Registry, Samples};
use tower::ServiceExt as _;

use super::*;

limpid_telemetry::families! {
    mod given {
        /// How often the page was rendered.
        RENDERED: gauge = "example_rendered";
    }
}

#[derive(Default)]
struct Renderings(AtomicUsize);

impl Collector for Renderings {
    fn name(&self) -> &'static str {
        "renderings"
    }
    fn families(&self) -> &'static [&'static Declaration] {
        given::ALL
    }
    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        out.family(&given::RENDERED).add(&[], before + 1);
        Ok(())
    }
}

/// A page that counts its renderings and is shared for as long as given.
fn shared_for(keep: Duration) -> (Router, Arc<Renderings>) {
    let registry = Registry::new();
    let renderings = Arc::new(Renderings::default());
    registry.add_collector(renderings.clone());
    let mut exporter = Exporter::new(registry).unwrap();
    Arc::get_mut(&mut exporter).unwrap().shared.keep = keep;
    (router(exporter), renderings)
}

/// Shared for longer than a slow machine takes for a test.
fn counted() -> (Router, Arc<Renderings>) {
    shared_for(Duration::from_secs(3_600))
}

async fn ask(router: &Router, headers: &[(&str, &str)]) -> (Response, Vec<u8>) {
    ask_for(router, "/metrics", headers).await
}

async fn ask_for(router: &Router, uri: &str, headers: &[(&str, &str)]) -> (Response, Vec<u8>) {
    let request = Request::get(uri);
    let request = headers
        .iter()
        .fold(request, |r, (name, value)| r.header(*name, *value));
    let response = router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    (Response::from_parts(parts, Body::empty()), bytes)
}

fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[tokio::test]
async fn content_types_and_compression() {
    let (router, _) = counted();
    let (text, body) = ask(&router, &[]).await;
    assert_eq!(text.status(), StatusCode::OK);
    assert_eq!(
        text.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert!(!text.headers().contains_key("content-encoding"));
    let plain = String::from_utf8(body).unwrap();

    let (zipped, body) = ask(&router, &[("accept-encoding", "deflate, gzip")]).await;
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    assert_eq!(zipped.headers()["vary"], "accept-encoding");
    assert_eq!(
        unzipped(&body),
        plain,
        "the same second, the same rendering"
    );

    let openmetrics = [("accept", "application/openmetrics-text;version=1.0.0")];
    let (open, body) = ask(&router, &openmetrics).await;
    let expected = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.headers()["content-type"], expected);
    assert!(body.ends_with(b"# EOF\n"));
}

#[tokio::test]
async fn scrapes_at_once_share_a_rendering() {
    let (router, renderings) = counted();
    let scrapes = (0..20).map(|_| {
        let router = router.clone();
        tokio::spawn(async move { ask(&router, &[("accept-encoding", "gzip")]).await.1 })
    });
    for scrape in scrapes.collect::<Vec<_>>() {
        assert!(unzipped(&scrape.await.unwrap()).contains("example_rendered 1\n"));
    }
    assert_eq!(renderings.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_later_scrape_is_rendered_anew() {
    let (router, renderings) = shared_for(Duration::ZERO);
    for round in 1..=3 {
        let (_, body) = ask(&router, &[]).await;
        let line = format!("example_rendered {round}\n");
        assert!(String::from_utf8(body).unwrap().contains(&line));
    }
    assert_eq!(renderings.0.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_scraper_that_hangs_up_starts_nothing_twice() {
    let (router, renderings) = counted();
    for _ in 0..50 {
        let gone = ask(&router, &[]);
        // Polled once, then dropped: the client is gone while its page is being rendered.
        tokio::select! {
            biased;
            _ = gone => {}
            () = std::future::ready(()) => {}
        }
    }
    ask(&router, &[]).await;
    assert_eq!(renderings.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn other_methods_and_paths_are_not_answered() {
    let (router, _) = counted();
    let post = Request::post("/metrics").body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(post).await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let other = Request::get("/metrics/x").body(Body::empty()).unwrap();
    assert_eq!(
        router.oneshot(other).await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_part_of_the_page_is_shared_with_those_who_ask_for_the_same() {
    let (router, renderings) = counted();
    for uri in [
        "/metrics?dialect=limpid",
        "/metrics?collect%5B%5D=example_rendered",
    ] {
        for _ in 0..2 {
            let (answer, body) = ask_for(&router, uri, &[]).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(
                String::from_utf8(body)
                    .unwrap()
                    .contains("example_rendered ")
            );
        }
    }
    assert_eq!(renderings.0.load(Ordering::Relaxed), 2);
    // More pages than are kept: each is rendered, and right.
    for i in 0..2 * PAGES_MAX {
        let uri = format!("/metrics?collect[]=example_rendered&collect[]=x{i}");
        let (_, body) = ask_for(&router, &uri, &[]).await;
        let line = format!("example_rendered {}\n", i + 3);
        assert!(String::from_utf8(body).unwrap().contains(&line));
    }
}

#[tokio::test]
async fn an_unknown_dialect_is_a_bad_request() {
    let (router, renderings) = counted();
    let (answer, body) = ask_for(&router, "/metrics?dialect=zabbix", &[]).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let body = String::from_utf8(body).unwrap();
    let start = "unknown metrics dialect `zabbix`, known are: limpid, kafka_exporter, strimzi, ";
    assert!(body.starts_with(start), "{body}");
    assert_eq!(renderings.0.load(Ordering::Relaxed), 0);
}
