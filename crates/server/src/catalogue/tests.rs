use super::catalogue;

/// `LIMPID_BLESS=1 cargo test -p limpid-server` writes the page anew.
#[test]
fn the_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/METRICS.md");
    let page = catalogue().to_markdown();
    if std::env::var_os("LIMPID_BLESS").is_some() {
        std::fs::write(path, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        committed, page,
        "run with LIMPID_BLESS=1 and commit docs/METRICS.md"
    );
}

#[test]
fn names_hold_promtools_rules() {
    assert_eq!(catalogue().lint(), Vec::<String>::new());
}

#[test]
fn every_dialect_can_be_configured() {
    let definition = limpid_config::broker::find("limpid.metrics.dialects").expect("it exists");
    let words = limpid_exporter::DIALECTS.iter().chain(&["all"]);
    for word in words {
        assert!(definition.validate(word).is_ok(), "{word}");
    }
}
