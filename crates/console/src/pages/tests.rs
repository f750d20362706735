//! Every page over the made-up cluster, as HTML without JavaScript, as JSON and as text.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use limpid_cluster::{ClusterSnapshot, ClusterSource, Readiness, Traffic};
use limpid_telemetry::Registry;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::Faces;
use crate::fixture::{BEGAN_MS, Faked, FakedRecords, HOSTILE};
use crate::routes;
use crate::trends::Reading;

mod runbook;

const NOW_MS: i64 = BEGAN_MS + 900_000;

fn faces(hostile: bool, with_records: bool) -> Faces {
    Faces {
        source: Arc::new(Faked::new(hostile)),
        registry: Registry::new(),
        browsers: with_records.then(|| Arc::new(FakedRecords) as _),
        values: Some(Arc::new(fake_values)),
        node: None,
        admins: None,
        login: false,
        provider: None,
        base: String::new(),
    }
}

/// What `/metrics` would say, with a name that breaks out if it can.
fn fake_values(families: &[&str]) -> String {
    let lines = families
        .iter()
        .map(|f| format!("{f}{{group=\"<script>{}\"}} 7\n", f.len()));
    lines.collect()
}

/// The console, five minutes old.
fn console(hostile: bool) -> Router {
    let faked = Faked::new(hostile);
    let app = App::resting(faces(hostile, true), || NOW_MS + 1_500);
    for second in (600..=900).step_by(5) {
        app.trends.take(Reading {
            snapshot: Arc::new(faked.at(BEGAN_MS + second * 1000)),
            registry: None,
        });
    }
    routes_for(Arc::new(app), Visitor::local())
}

fn routes_for(app: Arc<App>, visitor: Visitor) -> Router {
    routes::all(app).layer(Extension(visitor))
}

async fn ask(console: &Router, path: &str) -> (StatusCode, axum::http::HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = console.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.expect("a body");
    let text = String::from_utf8(body.to_vec()).expect("text");
    (parts.status, parts.headers, text)
}

async fn get(console: &Router, path: &str) -> String {
    let (status, _, text) = ask(console, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

async fn json(console: &Router, path: &str) -> Value {
    let text = get(console, path).await;
    serde_json::from_str(&text).expect("JSON")
}

const PAGES: &[&str] = &[
    "/c/local/",
    "/c/local/topics",
    "/c/local/topics/orders",
    "/c/local/topics/orders/messages",
    "/c/local/groups",
    "/c/local/groups/search-indexer",
    "/c/local/groups/by-id?id=mail-digest",
    "/runbook",
    "/runbook/LimpidConsumerLag",
    "/c/local/clients",
    "/c/local/clients/orders-writer-1",
    "/c/local/clients/by-id?id=search-indexer-0",
];

#[tokio::test]
async fn every_page_is_whole_without_scripts_and_allows_none_of_others() {
    let console = console(false);
    for page in PAGES {
        let (status, headers, html) = ask(&console, page).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let policy = headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert!(!html.contains(" style="), "{page}: an inline style");
        assert!(!html.contains("<style"), "{page}");
        let scripts = html.matches("<script").count();
        assert_eq!(
            html.matches("<script src=\"/assets/").count(),
            scripts,
            "{page}"
        );
        for handler in ["onclick=", "onload=", "onerror=", "onsubmit=", "hx-on"] {
            assert!(!html.contains(handler), "{page}: {handler}");
        }
        for landmark in [
            "<header",
            "<nav aria-label",
            "<main id=\"main\"",
            "<footer",
            "<h1",
        ] {
            assert!(html.contains(landmark), "{page}: no {landmark}");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{page}");
        let charts = html.matches("<svg").count();
        assert_eq!(
            html.matches("role=\"img\"><title>").count(),
            charts,
            "{page}"
        );
        assert!(
            html.contains("1.5 s old"),
            "{page}: how old its numbers are"
        );
        assert!(html.contains("<html lang=\"en\">"));
        assert_eq!(
            html.matches("<!--part ").count(),
            html.matches("<!--/part-->").count(),
            "{page}"
        );
    }
}

#[tokio::test]
async fn page_and_json_say_the_same() {
    let console = console(false);
    let overview = json(&console, "/c/local/?format=json").await;
    assert_eq!(overview["verdict"]["severity"], "attention");
    assert_eq!(overview["groups"][0]["id"], "search-indexer");
    assert_eq!(overview["groups_lagging"], 3);
    let html = get(&console, "/c/local/").await;
    let sentence = overview["verdict"]["sentence"]
        .as_str()
        .expect("a sentence");
    assert!(html.contains(sentence), "{sentence}");
    let group = json(&console, "/c/local/groups/search-indexer?format=json").await;
    let records = group["lag_records"].as_u64().expect("a number");
    let html = get(&console, "/c/local/groups/search-indexer").await;
    assert!(
        html.contains(&limpid_cluster::words::count(records)),
        "{records}"
    );
    for cause in group["causes"].as_array().expect("a list") {
        let sentence = cause["sentence"].as_str().expect("a sentence");
        assert!(html.contains(sentence), "{sentence}");
    }
    assert!(html.contains("One partition is far behind the others: clickstream-3 by"));
    assert!(
        html.contains("It falls behind"),
        "speeds tell where it goes"
    );
    let list = json(&console, "/c/local/groups?format=json").await;
    assert_eq!(list["groups"][0]["finding"], "hot_partition");
    let html = get(&console, "/c/local/groups").await;
    assert!(html.contains("hot partition"), "{html}");
    let digest = json(&console, "/c/local/groups/mail-digest?format=json").await;
    assert!(digest["lag_records"].is_null(), "unknown is not 0");
    let html = get(&console, "/c/local/groups/mail-digest").await;
    assert!(html.contains("not committed yet"));
    let topic = json(&console, "/c/local/topics/orders?format=json").await;
    assert_eq!(topic["partitions"].as_array().map(Vec::len), Some(6));
    assert_eq!(topic["groups"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        topic["trends"]["records_in"].as_array().map(Vec::len),
        Some(61)
    );
}

#[tokio::test]
async fn home_leads_to_the_only_cluster_and_keeps_the_query() {
    let console = console(false);
    for (path, to) in [
        ("/", "/c/local/"),
        ("/?format=json", "/c/local/?format=json"),
        ("/c/local", "/c/local/"),
    ] {
        let (status, headers, _) = ask(&console, path).await;
        assert_eq!(status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(headers[header::LOCATION], to);
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_in_the_format_asked_for() {
    let console = console(false);
    for page in [
        "/c/other/",
        "/c/local/topics/none",
        "/c/local/groups/none",
        "/c/local/groups/by-id",
        "/c/local/nowhere",
        "/nowhere",
        "/assets/none.css",
        "/c/local/stream?of=nothing",
        "/c/local/topics/none/messages",
    ] {
        let (status, _, _) = ask(&console, page).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{page}");
    }
    let (_, _, text) = ask(&console, "/c/local/groups/%3Cb%3E?format=json").await;
    assert_eq!(text, "{\"error\":\"There is no group named <b>.\"}\n");
    let (_, _, text) = ask(&console, "/c/local/groups/%3Cb%3E").await;
    assert!(
        text.contains("There is no group named &#60;b&#62;."),
        "{text}"
    );
    let (_, _, text) = ask(&console, "/c/local/groups/x?format=text").await;
    assert_eq!(text, "There is no group named x.\n");
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let console = console(true);
    let mut pages: Vec<String> = PAGES.iter().map(|p| (*p).to_owned()).collect();
    let links = crate::links::Links::new("", "local");
    pages.extend(HOSTILE.iter().map(|id| links.group(id)));
    pages.push(links.group(&"y".repeat(249)));
    pages.extend(
        HOSTILE
            .iter()
            .filter(|n| !n.contains('/') && !n.is_empty())
            .map(|n| links.topic(n)),
    );
    pages.push("/c/local/groups?q=%3Cscript%3Ealert(1)".to_owned());
    pages.push("/c/local/topics?q=%22%3E%3Cimg&sort=%22".to_owned());
    for page in &pages {
        let html = get(&console, page).await;
        assert!(!html.contains("<script>"), "{page}");
        assert_eq!(html.matches("<img ").count(), 1, "{page}: only our sign");
        assert!(!html.contains("href=\"javascript"), "{page}");
        assert_eq!(
            html.matches("<!--part ").count(),
            html.matches("<!--/part-->").count(),
            "{page}: a name made a mark"
        );
    }
    let html = get(&console, "/c/local/groups").await;
    assert!(
        html.contains("/c/local/groups/by-id?id=..%2F..%2Fetc"),
        "no path can hold it"
    );
    assert!(html.contains("(empty)"));
    let group = json(
        &console,
        "/c/local/groups/by-id?id=..%2F..%2Fetc&format=json",
    )
    .await;
    assert_eq!(group["id"], "../../etc");
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_cut_on_the_server() {
    let console = console(false);
    let names = |list: &Value, of: &str, key: &str| -> Vec<String> {
        let rows = list[of].as_array().expect("a list").iter();
        rows.map(|r| r[key].as_str().expect("a name").to_owned())
            .collect()
    };
    let by_rate = json(&console, "/c/local/topics?sort=records&format=json").await;
    assert_eq!(names(&by_rate, "topics", "name")[0], "clickstream");
    let turned = json(&console, "/c/local/topics?sort=-records&format=json").await;
    assert_eq!(names(&turned, "topics", "name")[4], "clickstream");
    let filtered = json(&console, "/c/local/topics?q=RD&format=json").await;
    assert_eq!(names(&filtered, "topics", "name"), ["orders"]);
    assert_eq!(filtered["total"], 1);
    let groups = json(&console, "/c/local/groups?sort=name&format=json").await;
    assert_eq!(names(&groups, "groups", "id")[0], "audit-archive");
    let worst = json(&console, "/c/local/groups?format=json").await;
    assert_eq!(
        names(&worst, "groups", "id")[..2],
        ["search-indexer", "fraud-check"]
    );
    assert_eq!(worst["by_status"]["stopped"], 1);
    let html = get(&console, "/c/local/groups?q=zzz").await;
    assert!(html.contains("No group has an id like that."));
    let html = get(&console, "/c/local/topics?sort=size").await;
    assert!(
        html.contains("aria-sort=\"descending\"><a href=\"?sort=-size\">on disk"),
        "{html}"
    );
}

#[tokio::test]
async fn text_is_for_terminals() {
    let console = console(true);
    for page in [
        "/c/local/?format=text",
        "/c/local/groups/search-indexer?format=text",
        "/c/local/groups/fraud-check?format=text",
        "/c/local/groups/mail-digest?format=text",
    ] {
        let text = get(&console, page).await;
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{page}: {line}");
        }
        assert!(
            !text.contains('<') || page.ends_with("/?format=text"),
            "{text}"
        );
    }
    let (_, headers, text) = ask(&console, "/c/local/groups/fraud-check?format=text").await;
    assert_eq!(headers["limpid-verdict"], "attention");
    assert!(
        text.starts_with("fraud-check: stopped\n  It has no members for 5 min"),
        "{text}"
    );
    assert!(text.contains("Nobody reads"), "{text}");
    let (_, headers, _) = ask(&console, "/c/local/groups/billing?format=text").await;
    assert_eq!(headers["limpid-verdict"], "ok");
}

#[tokio::test]
async fn messages_are_shown_only_with_a_browser_and_never_interpreted() {
    let console = console(false);
    let html = get(&console, "/c/local/topics/orders/messages").await;
    assert!(
        html.contains("&#60;b&#62;gift&#60;/b&#62;"),
        "JSON is escaped"
    );
    assert!(
        html.contains("000000  00 00 00 00 07 92 ff 10 41"),
        "bytes are hexadecimal"
    );
    assert!(html.contains("null, a tombstone"));
    assert!(html.contains("at most 50 records and 1.0 MiB"));
    let messages = json(
        &console,
        "/c/local/topics/orders/messages?partition=2&from=9&format=json",
    )
    .await;
    assert_eq!(
        (&messages["partition"], &messages["from_offset"]),
        (&2.into(), &9.into())
    );
    let (status, _, html) = ask(&console, "/c/local/topics/orders/messages?from=9").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(html.contains("An offset needs a partition"), "{html}");
    assert!(
        get(&console, "/c/local/topics/orders")
            .await
            .contains("/messages")
    );
    let app = App::resting(faces(false, false), || NOW_MS);
    let without = routes_for(Arc::new(app), Visitor::local());
    let (status, _, _) = ask(&without, "/c/local/topics/orders/messages").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        !get(&without, "/c/local/topics/orders")
            .await
            .contains("/messages")
    );
}

/// A broker that has just begun, and one whose counters are at their end.
struct Extreme(Arc<ClusterSnapshot>);

impl ClusterSource for Extreme {
    fn name(&self) -> &str {
        "local"
    }

    fn snapshot(&self) -> Arc<ClusterSnapshot> {
        Arc::clone(&self.0)
    }

    fn readiness(&self) -> Readiness {
        Readiness {
            state: limpid_cluster::ReadinessState::Starting,
            reasons: vec!["3 of 7 logs are open".to_owned()],
        }
    }
}

fn extreme(snapshot: ClusterSnapshot) -> Router {
    let faces = Faces {
        source: Arc::new(Extreme(Arc::new(snapshot))),
        registry: Registry::new(),
        browsers: None,
        values: Some(Arc::new(fake_values)),
        node: None,
        admins: None,
        login: false,
        provider: None,
        base: String::new(),
    };
    let app = App::resting(faces, || NOW_MS);
    routes_for(Arc::new(app), Visitor::local())
}

#[tokio::test]
async fn a_starting_broker_has_pages() {
    let console = extreme(ClusterSnapshot::default());
    let html = get(&console, "/c/local/").await;
    assert!(html.contains("The broker is starting"), "{html}");
    assert!(html.contains("3 of 7 logs are open"));
    assert!(html.contains("no time yet"));
    get(&console, "/c/local/topics").await;
    get(&console, "/c/local/groups").await;
    get(&console, "/c/local/?format=text").await;
}

#[tokio::test]
async fn numbers_of_64_bits_are_exact() {
    let most = u64::MAX - 1;
    let console = extreme(ClusterSnapshot {
        taken_at_ms: NOW_MS,
        traffic: Traffic {
            messages_in: most,
            ..Traffic::default()
        },
        ..ClusterSnapshot::default()
    });
    let text = get(&console, "/c/local/?format=json").await;
    assert!(
        text.contains("\"messages_in\": 18446744073709551614"),
        "{text}"
    );
}

#[tokio::test]
async fn assets_carry_their_hash_and_are_kept() {
    let console = console(false);
    let html = get(&console, "/c/local/").await;
    let start = html.find("/assets/limpid.").expect("an asset");
    let path = html[start..].split('"').next().expect("its end");
    let (status, headers, _) = ask(&console, path).await;
    assert_eq!(status, StatusCode::OK);
    let kept = headers[header::CACHE_CONTROL].to_str().expect("text");
    assert!(kept.contains("immutable"), "{kept}");
}

#[tokio::test]
async fn a_stream_sends_parts_that_changed_and_no_others() {
    let faked = Arc::new(Faked::new(false));
    let mut faces = faces(false, false);
    faces.source = faked.clone();
    let app = Arc::new(App::resting(faces, || NOW_MS + 1_500));
    let console = routes_for(Arc::clone(&app), Visitor::local());
    let request = Request::get("/c/local/stream?of=overview").body(Body::empty());
    let response = console
        .oneshot(request.expect("a request"))
        .await
        .expect("infallible");
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    let mut body = std::pin::pin!(response.into_body().into_data_stream());
    let mut next = async || {
        let chunk = futures_util::StreamExt::next(&mut body).await;
        let chunk = chunk.expect("a message").expect("bytes");
        String::from_utf8(chunk.to_vec()).expect("text")
    };
    let first = next().await;
    for part in [
        "#asof",
        "#verdict",
        "#rates",
        "#groups",
        "#topics",
        "#requests",
    ] {
        let target = format!("<hx-partial hx-target=\"{part}\" hx-swap=\"outerMorph\">");
        assert!(first.contains(&target), "no {part} in {first}");
    }
    assert_eq!(app.streams.open(), 1);
    faked
        .now_ms
        .fetch_add(1_000, std::sync::atomic::Ordering::Relaxed);
    let second = next().await;
    assert!(second.contains("hx-target=\"#asof\""), "{second}");
    assert!(second.contains("hx-target=\"#groups\""), "lag moved");
    assert!(
        !second.contains("hx-target=\"#storage\""),
        "nothing happened there"
    );
}
