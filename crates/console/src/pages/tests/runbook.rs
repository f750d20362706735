//! The runbook's pages.

use super::*;

#[tokio::test]
async fn the_runbook_has_a_page_for_an_alert_with_the_values_of_now() {
    let console = console(false);
    let html = get(&console, "/runbook/LimpidConsumerLag").await;
    assert!(html.contains("<code>limpid why GROUP</code>"), "{html}");
    let line = "limpid_group_lag_seconds{group=&#34;&#60;script&#62;24&#34;} 7";
    assert!(html.contains(line), "{html}");
    assert!(html.contains("href=\"/metrics?collect%5B%5D=limpid_group_lag_seconds\""));
    assert!(
        get(&console, "/runbook/LimpidDiskLow")
            .await
            .contains("<h1>LimpidDiskLow")
    );
    let list = get(&console, "/runbook").await;
    assert!(list.contains("href=\"/runbook/LimpidWatchdog\""), "{list}");
    let page = json(&console, "/runbook/LimpidProduceErrors?format=json").await;
    assert_eq!(page["severity"], "page");
    assert_eq!(page["now"][0]["name"], "limpid_requests_total");
    // Only one label value would do.
    assert_eq!(page["now"][0]["series"], serde_json::json!([]));
    let (status, _, text) = ask(&console, "/runbook/%3Cscript%3E").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        text.contains("no page &#60;script&#62;") && !text.contains("<script>"),
        "{text}"
    );
}
