use limpid_telemetry::Registry;

use crate::fixture::{cluster, lines, source};
use crate::{Exporter, Format};

#[test]
fn the_disk_and_what_is_not_on_it_yet() {
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster(source(cluster()));
    let page = exporter.render(Format::Text);
    let expected = [
        "limpid_log_dir_total_bytes{dir=\"/data\"} 1000000",
        "limpid_log_dir_free_bytes{dir=\"/data\"} 250000",
        "limpid_log_dir_online{dir=\"/data\"} 1",
    ];
    assert_eq!(lines(&page, "limpid_log_dir_"), expected);
    let expected = [
        "limpid_log_unflushed_bytes{dir=\"/data\"} 4096",
        "limpid_log_unflushed_seconds{dir=\"/data\"} 0.25",
    ];
    assert_eq!(lines(&page, "limpid_log_unflushed_"), expected);
}
