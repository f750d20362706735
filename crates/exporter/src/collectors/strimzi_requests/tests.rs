use limpid_telemetry::{LabelEnum as _, Registry, Stage, Text, buckets};

use crate::fixture::{cluster, lines, source};
use crate::{Exporter, Format};

type Api = Text<64>;

limpid_telemetry::metrics! {
    struct Requests {
        /// Time of requests.
        seconds: histogram[buckets::REQUEST_SECONDS] { api: Api } = "example_request_seconds",
            mbean "kafka.network:type=RequestMetrics,name=TotalTimeMs,request={api}" histogram_ms;
        /// Time of stages.
        stages: histogram[buckets::REQUEST_SECONDS] { api: Api, stage: Stage } = "example_stage_seconds",
            mbean "kafka.network:type=RequestMetrics,name={stage.mbean},request={api}" histogram_ms;
        /// Errors.
        errors: counter { api: Api } = "example_errors_total",
            mbean "kafka.network:type=RequestMetrics,name=ErrorsPerSec,request={api},error=NONE" meter;
    }
}

#[test]
fn percentiles_are_gauges_with_the_quantiles_that_panels_ask_for() {
    let registry = Registry::new();
    let exporter = Exporter::new(registry.clone()).unwrap();
    exporter.add_cluster(source(cluster()));
    let requests = Requests::register(&registry).unwrap();
    requests.errors.bind("Produce").inc();
    for api in ["Produce", "Fetch"] {
        requests.seconds.bind(api).observe(0.0015);
        for stage in Stage::ALL {
            assert!(!stage.as_str().is_empty());
            requests.stages.bind((api, *stage)).observe(0.0);
        }
    }
    let page = exporter.render(Format::Text);
    let start = "kafka_network_requestmetrics_totaltimems{request=\"Produce\"";
    let labels: Vec<&str> = lines(&page, start)
        .iter()
        .map(|l| l.split(",quantile=").nth(1).unwrap())
        .map(|l| l.split('}').next().unwrap())
        .collect();
    let expected = ["0.50", "0.75", "0.95", "0.98", "0.99", "0.999"].map(|q| format!("\"{q}\""));
    assert_eq!(labels, expected);
    let median = "kafka_network_requestmetrics_totaltimems{request=\"Fetch\",quantile=\"0.50\"} ";
    let median: f64 = lines(&page, median)[0]
        .rsplit_once(' ')
        .unwrap()
        .1
        .parse()
        .unwrap();
    assert!((1.0..=2.5).contains(&median), "milliseconds: {median}");
    let zero = "kafka_network_requestmetrics_localtimems{request=\"FetchConsumer\",quantile=\"0.999\"} 0\n";
    assert!(page.contains(zero), "{page}");
    let types = lines(&page, "# TYPE kafka_network_requestmetrics_");
    assert_eq!(types.len(), 7);
    assert!(types.iter().all(|t| t.ends_with(" gauge")), "{types:?}");
    assert!(!page.contains("NaN"));
}
